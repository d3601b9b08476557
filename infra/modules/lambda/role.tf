data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

locals {
  secret_arns = concat(
    [for secret in aws_secretsmanager_secret.this : secret.arn],
    var.database.login == "secret" ? [var.database.secret_arn] : [],
  )

  ec2_arn = "arn:${local.partition}:ec2:${local.region}:${var.account_id}"
}

data "aws_iam_policy_document" "this" {
  # Lambda names the streams by itself, so the group is as narrow as it gets.
  #tfsec:ignore:aws-iam-no-policy-wildcards
  statement {
    sid       = "WriteItsOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:log-stream:*"]
  }

  # Lambda attaches the function to the subnets in the role's name.
  statement {
    sid     = "JoinTheSubnets"
    actions = ["ec2:CreateNetworkInterface"]
    resources = concat(
      ["${local.ec2_arn}:network-interface/*", "${local.ec2_arn}:security-group/${var.security_group_id}"],
      [for id in var.subnet_ids : "${local.ec2_arn}:subnet/${id}"],
    )
  }

  # Lambda tries these on no interface in particular before it makes the function, so no kind may be named.
  statement {
    sid       = "LeaveTheSubnets"
    actions   = ["ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"]
    resources = ["${local.ec2_arn}:*/*"]
  }

  # EC2 knows no resource for these two: "*" is the only thing it accepts. When Lambda tries them there is no condition
  # to bound them by either.
  #tfsec:ignore:aws-iam-no-policy-wildcards
  statement {
    sid       = "SeeTheSubnets"
    actions   = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    resources = ["*"]
  }

  # The three above are for Lambda itself; the code inside never touches the network's plumbing.
  #tfsec:ignore:aws-iam-no-policy-wildcards
  statement {
    sid    = "NotFromInsideTheFunction"
    effect = "Deny"
    actions = [
      "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["*"]

    condition {
      test     = "ArnEquals"
      variable = "lambda:SourceFunctionArn"
      values   = [local.arn]
    }
  }

  dynamic "statement" {
    for_each = var.database.login == "iam" ? [var.database.user_arn] : []

    content {
      sid       = "SignInAsOneDatabaseUser"
      actions   = ["rds-db:connect"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = length(var.secrets) > 0 || var.database.login == "secret" ? [local.secret_arns] : []

    content {
      sid       = "ReadItsSecrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = length(var.secrets) > 0 || var.database.login == "secret" ? [var.kms_key_arn] : []

    content {
      sid       = "DecryptThem"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["secretsmanager.${local.region}.amazonaws.com"]
      }
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "What ${var.name} may do"
  assume_role_policy   = data.aws_iam_policy_document.assume.json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "this" {
  name   = "least"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.this.json
}
