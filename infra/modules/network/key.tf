# One key encrypts what an environment keeps: database, secrets, logs, alarm messages. It lives here because
# everything else stands on the network module anyway.

data "aws_iam_policy_document" "key" {
  # A key without this statement can be lost for good: the account's administrators could no longer manage it.
  # In a key policy "*" means "this key", nothing else.
  statement {
    sid       = "AccountAdministrators"
    actions   = ["kms:*"] #tfsec:ignore:aws-iam-no-policy-wildcards
    resources = ["*"]     #tfsec:ignore:aws-iam-no-policy-wildcards

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${var.account_id}:root"]
    }
  }

  statement {
    sid       = "LogGroupsOfThisEnvironment"
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey"]
    resources = ["*"] #tfsec:ignore:aws-iam-no-policy-wildcards

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:${local.partition}:logs:${local.region}:${var.account_id}:log-group:*${var.name}*"]
    }
  }

  statement {
    sid       = "AlarmsToTheirTopic"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"] #tfsec:ignore:aws-iam-no-policy-wildcards

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

resource "aws_kms_key" "this" {
  description             = "${var.name}: database, secrets, logs and alarm messages"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json

  tags = { Name = var.name }
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}
