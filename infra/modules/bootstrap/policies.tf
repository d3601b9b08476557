# What the roles may do, action by action. Names are bounded to "<prefix>-<environment>…" wherever AWS lets a name be
# part of the resource. Where it does not (describing, VPC parts, making a key) the comment says so.

locals {
  here            = "${local.region}:${var.account_id}"
  environment_tag = "aws:ResourceTag/rifaapp:environment" # root.hcl gives it to everything an environment makes

  describe_actions = [
    "acm:DescribeCertificate", "acm:ListCertificates",
    "apigateway:GET",
    "cloudwatch:DescribeAlarms", "cloudwatch:GetDashboard", "cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListTagsForResource",
    "ec2:DescribeAddresses", "ec2:DescribeAddressesAttribute", "ec2:DescribeAvailabilityZones", "ec2:DescribeFlowLogs",
    "ec2:DescribeInternetGateways", "ec2:DescribeNatGateways", "ec2:DescribeNetworkAcls", "ec2:DescribeNetworkInterfaces",
    "ec2:DescribePrefixLists", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets", "ec2:DescribeTags", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcs",
    "events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule",
    "kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListAliases", "kms:ListResourceTags",
    "lambda:GetAccountSettings",
    "logs:DescribeLogGroups", "logs:DescribeMetricFilters", "logs:ListTagsForResource",
    "rds:DescribeDBClusterParameterGroups", "rds:DescribeDBClusterParameters", "rds:DescribeDBClusters", "rds:DescribeDBEngineVersions",
    "rds:DescribeDBInstances", "rds:DescribeDBParameterGroups", "rds:DescribeDBParameters", "rds:DescribeDBSubnetGroups",
    "rds:DescribeGlobalClusters", "rds:ListTagsForResource",
    "route53:GetChange", "route53:GetHostedZone", "route53:ListResourceRecordSets",
    "sts:GetCallerIdentity",
  ]

  # What a plan reads of things that have names of ours.
  read_named_actions = [
    "iam:GetOpenIDConnectProvider", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies", "iam:ListPolicyVersions", "iam:ListRolePolicies",
    "lambda:GetAlias", "lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig", "lambda:GetFunctionConcurrency",
    "lambda:GetFunctionConfiguration", "lambda:GetFunctionEventInvokeConfig", "lambda:GetPolicy", "lambda:ListAliases",
    "lambda:ListTags", "lambda:ListVersionsByFunction",
    "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy",
    "sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource",
  ]

  named = {
    for e in var.environments : e => {
      roles     = "arn:${local.partition}:iam::${var.account_id}:role/${var.prefix}-${e}*"
      functions = "arn:${local.partition}:lambda:${local.here}:function:${var.prefix}-${e}*"
      secrets   = "arn:${local.partition}:secretsmanager:${local.here}:secret:${var.prefix}-${e}*"
      topics    = "arn:${local.partition}:sns:${local.here}:${var.prefix}-${e}*"
      rules     = "arn:${local.partition}:events:${local.here}:rule/${var.prefix}-${e}*"
      alarms    = "arn:${local.partition}:cloudwatch:${local.here}:alarm:${var.prefix}-${e}*"
      board     = "arn:${local.partition}:cloudwatch::${var.account_id}:dashboard/${var.prefix}-${e}*"
      logs = [for service in ["lambda", "apigateway", "vpc", "rds/cluster", "rds/instance"] :
        "arn:${local.partition}:logs:${local.here}:log-group:/aws/${service}/${var.prefix}-${e}*"
      ]
      databases = [for kind in ["cluster", "db", "subgrp", "cluster-pg", "pg", "cluster-snapshot", "snapshot"] :
        "arn:${local.partition}:rds:${local.here}:${kind}:${var.prefix}-${e}*"
      ]
    }
  }
}

data "aws_iam_policy_document" "read" {
  for_each = var.environments

  # Describing knows no resource, or lists before it filters: "*" is the only thing AWS accepts here.
  #tfsec:ignore:aws-iam-no-policy-wildcards
  statement {
    sid       = "Describe"
    actions   = local.describe_actions
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region, "us-east-1"] # IAM, STS and Route 53 answer from us-east-1
    }
  }

  statement {
    sid     = "ReadWhatIsOurs"
    actions = local.read_named_actions
    resources = [
      local.named[each.key].roles, local.named[each.key].functions, local.named[each.key].secrets, local.named[each.key].topics,
      local.oidc_provider_arn, "arn:${local.partition}:iam::${var.account_id}:policy/${var.prefix}-*",
    ]
  }
}

data "aws_iam_policy_document" "network" {
  for_each = var.environments

  # Parts of a VPC have ids that nobody knows beforehand, so the kind is named instead of the thing, and what carries
  # another environment's tag is left out. What carries none may be touched: parts have none before they are made, nor
  # has a VPC's first security group before it is taken over.
  statement {
    sid = "PartsOfAVPC"
    actions = [
      "ec2:AllocateAddress", "ec2:AssociateRouteTable", "ec2:AttachInternetGateway", "ec2:AuthorizeSecurityGroupEgress",
      "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateFlowLogs", "ec2:CreateInternetGateway", "ec2:CreateNatGateway", "ec2:CreateRoute",
      "ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateTags", "ec2:CreateVpc", "ec2:CreateVpcEndpoint",
      "ec2:DeleteFlowLogs", "ec2:DeleteInternetGateway", "ec2:DeleteNatGateway", "ec2:DeleteNetworkInterface", "ec2:DeleteRoute",
      "ec2:DeleteRouteTable", "ec2:DeleteSecurityGroup", "ec2:DeleteSubnet", "ec2:DeleteTags", "ec2:DeleteVpc", "ec2:DeleteVpcEndpoints",
      "ec2:DetachInternetGateway", "ec2:DisassociateAddress", "ec2:DisassociateRouteTable", "ec2:ModifySecurityGroupRules",
      "ec2:ModifySubnetAttribute", "ec2:ModifyVpcAttribute", "ec2:ModifyVpcEndpoint", "ec2:ReleaseAddress",
      "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress",
      "ec2:UpdateSecurityGroupRuleDescriptionsEgress", "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
    ]
    resources = [for kind in [
      "elastic-ip", "internet-gateway", "natgateway", "network-interface", "route-table", "security-group",
      "security-group-rule", "subnet", "vpc", "vpc-endpoint", "vpc-flow-log",
    ] : "arn:${local.partition}:ec2:${local.here}:${kind}/*"]

    condition {
      test     = "StringEqualsIfExists"
      variable = local.environment_tag
      values   = [each.key]
    }
  }

  # An endpoint gets its private name from a zone that AWS makes and nobody sees.
  statement {
    sid       = "NamesOfEndpoints"
    actions   = ["route53:AssociateVPCWithHostedZone"]
    resources = ["arn:${local.partition}:route53:::hostedzone/*", "arn:${local.partition}:ec2:${local.here}:vpc/*"]
  }

  # A key has no name to bound it by; the tag every resource of an environment carries does. A key that has another
  # environment's tag, as that of the state has, cannot be given this one's.
  #tfsec:ignore:aws-iam-no-policy-wildcards
  statement {
    sid       = "MakeTheKey"
    actions   = ["kms:CreateKey", "kms:TagResource"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/rifaapp:environment"
      values   = [each.key]
    }

    condition {
      test     = "StringEqualsIfExists"
      variable = local.environment_tag
      values   = [each.key]
    }
  }

  statement {
    sid = "ManageTheKey"
    actions = [
      "kms:CreateGrant", "kms:Decrypt", "kms:DisableKeyRotation", "kms:EnableKeyRotation", "kms:GenerateDataKey",
      "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:UntagResource", "kms:UpdateKeyDescription",
      "kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias",
    ]
    resources = ["arn:${local.partition}:kms:${local.here}:key/*"]

    condition {
      test     = "StringEquals"
      variable = local.environment_tag
      values   = [each.key]
    }
  }

  statement {
    sid       = "NameTheKey"
    actions   = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"]
    resources = ["arn:${local.partition}:kms:${local.here}:alias/${var.prefix}-${each.key}*"]
  }
}

# What an environment's roles may ever do: with what is named after it, or carries its tag.
data "aws_iam_policy_document" "boundary" {
  for_each = var.environments

  statement {
    sid     = "Logs"
    actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = [for service in ["lambda", "vpc"] :
      "arn:${local.partition}:logs:${local.here}:log-group:/aws/${service}/${var.prefix}-${each.key}*"
    ]
  }

  # Delivery of flow logs looks for its group among all.
  statement {
    sid       = "FindLogs"
    actions   = ["logs:DescribeLogGroups"]
    resources = ["arn:${local.partition}:logs:${local.here}:log-group:*"]
  }

  # A function in another environment's subnets would reach its database. When Lambda tries the role before it makes the
  # function, there is no tag to look at.
  statement {
    sid       = "JoinSubnets"
    actions   = ["ec2:CreateNetworkInterface"]
    resources = [for kind in ["network-interface", "security-group", "subnet"] : "arn:${local.partition}:ec2:${local.here}:${kind}/*"]

    condition {
      test     = "StringEqualsIfExists"
      variable = local.environment_tag
      values   = [each.key]
    }
  }

  # Lambda tries these on no interface in particular before it makes a function, so no kind may be named.
  statement {
    sid       = "LeaveSubnets"
    actions   = ["ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"]
    resources = ["arn:${local.partition}:ec2:${local.here}:*/*"]
  }

  # EC2 accepts nothing but "*" for these two.
  #tfsec:ignore:aws-iam-no-policy-wildcards
  statement {
    sid       = "SeeNetworkInterfaces"
    actions   = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    resources = ["*"]
  }

  # Database users have the same names in every environment, and a server's id is not known beforehand; what keeps a
  # function from another environment's server is the network.
  statement {
    sid       = "DatabaseUsers"
    actions   = ["rds-db:connect"]
    resources = ["arn:${local.partition}:rds-db:${local.here}:dbuser:*/${var.prefix}_*"]
  }

  # Not the master user's, which RDS makes: functions sign in by token.
  statement {
    sid       = "Secrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [local.named[each.key].secrets]
  }

  statement {
    sid       = "Decrypt"
    actions   = ["kms:Decrypt"]
    resources = ["arn:${local.partition}:kms:${local.here}:key/*"]

    condition {
      test     = "StringEquals"
      variable = local.environment_tag
      values   = [each.key]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${local.region}.amazonaws.com"]
    }
  }
}
