data "aws_iam_policy_document" "services" {
  for_each = var.environments

  statement {
    sid = "Functions"
    actions = [
      "lambda:AddPermission", "lambda:CreateAlias", "lambda:CreateFunction", "lambda:DeleteAlias", "lambda:DeleteFunction",
      "lambda:DeleteFunctionConcurrency", "lambda:DeleteFunctionEventInvokeConfig", "lambda:InvokeFunction", "lambda:PublishVersion",
      "lambda:PutFunctionConcurrency", "lambda:PutFunctionEventInvokeConfig", "lambda:RemovePermission", "lambda:TagResource",
      "lambda:UntagResource", "lambda:UpdateAlias", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
      "lambda:UpdateFunctionEventInvokeConfig",
    ]
    resources = [local.named[each.key].functions]
  }

  # API Gateway names things by ids it makes up; the region bounds them.
  statement {
    sid     = "Gateway"
    actions = ["apigateway:DELETE", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT", "apigateway:TagResource", "apigateway:UntagResource"]
    resources = [for path in ["apis", "apis/*", "domainnames", "domainnames/*", "tags/*"] :
      "arn:${local.partition}:apigateway:${local.region}::/${path}"
    ]
  }

  # A host name of its own: the two records that lead to the gateway, in the one zone, and no other record there.
  dynamic "statement" {
    for_each = [for e, domain in var.domains : domain if e == each.key]

    content {
      sid       = "RecordsOfTheDomain"
      actions   = ["route53:ChangeResourceRecordSets"]
      resources = ["arn:${local.partition}:route53:::hostedzone/${statement.value.zone_id}"]

      condition {
        test     = "ForAllValues:StringEquals"
        variable = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
        values   = [statement.value.name]
      }

      condition {
        test     = "ForAllValues:StringEquals"
        variable = "route53:ChangeResourceRecordSetsRecordTypes"
        values   = ["A", "AAAA"]
      }
    }
  }

  statement {
    sid = "Databases"
    actions = [
      "rds:AddTagsToResource", "rds:CreateDBCluster", "rds:CreateDBClusterParameterGroup", "rds:CreateDBInstance", "rds:CreateDBParameterGroup",
      "rds:CreateDBSubnetGroup", "rds:DeleteDBCluster", "rds:DeleteDBClusterParameterGroup", "rds:DeleteDBInstance",
      "rds:DeleteDBParameterGroup", "rds:DeleteDBSubnetGroup", "rds:EnableHttpEndpoint", "rds:DisableHttpEndpoint", "rds:ModifyDBCluster",
      "rds:ModifyDBClusterParameterGroup", "rds:ModifyDBInstance", "rds:ModifyDBParameterGroup", "rds:ModifyDBSubnetGroup",
      "rds:RemoveTagsFromResource", "rds:ResetDBClusterParameterGroup", "rds:ResetDBParameterGroup",
      "rds-data:ExecuteStatement",
    ]
    resources = local.named[each.key].databases
  }

  # The proxy's ARN ends in an id, not in its name.
  statement {
    sid = "DatabaseProxies"
    actions = [
      "rds:AddTagsToResource", "rds:CreateDBProxy", "rds:DeleteDBProxy", "rds:DeregisterDBProxyTargets", "rds:ModifyDBProxy",
      "rds:ModifyDBProxyTargetGroup", "rds:RegisterDBProxyTargets", "rds:RemoveTagsFromResource",
    ]
    resources = [for kind in ["db-proxy", "target-group"] : "arn:${local.partition}:rds:${local.here}:${kind}:*"]
  }

  statement {
    sid = "Secrets"
    actions = [
      "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:PutSecretValue", "secretsmanager:RestoreSecret",
      "secretsmanager:TagResource", "secretsmanager:UntagResource", "secretsmanager:UpdateSecret",
    ]
    resources = [local.named[each.key].secrets]
  }

  # RDS makes the master secret in the caller's name, and roles.sql is run with it.
  statement {
    sid       = "MasterSecret"
    actions   = ["secretsmanager:CreateSecret", "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:TagResource"]
    resources = ["arn:${local.partition}:secretsmanager:${local.here}:secret:rds!*"]
  }

  statement {
    sid = "Logs"
    actions = [
      "logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteMetricFilter", "logs:DeleteRetentionPolicy",
      "logs:PutMetricFilter", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
    ]
    resources = local.named[each.key].logs
  }

  # The gateway's access log is a delivery of the account, without a name of its own.
  #tfsec:ignore:aws-iam-no-policy-wildcards
  statement {
    sid = "AccessLogDelivery"
    actions = [
      "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeResourcePolicies", "logs:GetLogDelivery",
      "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
    ]
    resources = ["*"]
  }

  statement {
    sid = "Alarms"
    actions = [
      "cloudwatch:DeleteAlarms", "cloudwatch:DeleteDashboards", "cloudwatch:PutCompositeAlarm", "cloudwatch:PutDashboard",
      "cloudwatch:PutMetricAlarm", "cloudwatch:SetAlarmState", "cloudwatch:TagResource", "cloudwatch:UntagResource",
      "events:DeleteRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets", "events:TagResource", "events:UntagResource",
      "sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource", "sns:Unsubscribe", "sns:UntagResource",
    ]
    resources = [local.named[each.key].alarms, local.named[each.key].board, local.named[each.key].rules, local.named[each.key].topics]
  }

  statement {
    sid       = "MakeRolesWithinTheBoundary"
    actions   = ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"]
    resources = [local.named[each.key].roles]

    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values   = [aws_iam_policy.boundary.arn]
    }
  }

  statement {
    sid = "KeepRolesInOrder"
    actions = [
      "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:ListInstanceProfilesForRole", "iam:TagRole", "iam:UntagRole",
      "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription",
    ]
    resources = [local.named[each.key].roles]
  }

  statement {
    sid       = "HandRolesToServices"
    actions   = ["iam:PassRole"]
    resources = [local.named[each.key].roles]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["lambda.amazonaws.com", "rds.amazonaws.com", "vpc-flow-logs.amazonaws.com"]
    }
  }

  # AWS makes these by itself the first time RDS, its proxy or the gateway is used in an account.
  statement {
    sid     = "ServicesOwnRoles"
    actions = ["iam:CreateServiceLinkedRole"]
    resources = [for service in ["rds.amazonaws.com", "ops.apigateway.amazonaws.com"] :
      "arn:${local.partition}:iam::${var.account_id}:role/aws-service-role/${service}/*"
    ]
  }
}
