data "aws_iam_policy_document" "data" {
  for_each = var.environments

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

  # Whoever makes a server uses parameters and options too, and where none are named those that come with AWS.
  statement {
    sid     = "DefaultsOfDatabases"
    actions = ["rds:CreateDBCluster", "rds:CreateDBInstance", "rds:ModifyDBCluster", "rds:ModifyDBInstance"]
    resources = [for kind in ["cluster-pg", "og", "pg"] :
      "arn:${local.partition}:rds:${local.here}:${kind}:default*"
    ]
  }

  statement {
    sid = "Secrets"
    actions = [
      "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:PutSecretValue", "secretsmanager:RestoreSecret",
      "secretsmanager:TagResource", "secretsmanager:UntagResource", "secretsmanager:UpdateSecret",
    ]
    resources = [local.named[each.key].secrets]
  }

  # RDS makes the master secret in the caller's name, and roles.sql is run with it. Another environment's is encrypted
  # under a key that this role may not use.
  statement {
    sid       = "MasterSecret"
    actions   = ["secretsmanager:CreateSecret", "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:TagResource"]
    resources = ["arn:${local.partition}:secretsmanager:${local.here}:secret:rds!*"]
  }

  statement {
    sid       = "MakeRolesWithinTheBoundary"
    actions   = ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"]
    resources = [local.named[each.key].roles]

    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values   = ["arn:${local.partition}:iam::${var.account_id}:policy/${var.prefix}-boundary-${each.key}"]
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
      values   = ["lambda.amazonaws.com", "vpc-flow-logs.amazonaws.com"]
    }
  }

  # AWS makes these by itself the first time RDS or the gateway is used in an account.
  statement {
    sid     = "ServicesOwnRoles"
    actions = ["iam:CreateServiceLinkedRole"]
    resources = [for service in ["rds.amazonaws.com", "ops.apigateway.amazonaws.com"] :
      "arn:${local.partition}:iam::${var.account_id}:role/aws-service-role/${service}/*"
    ]
  }
}
