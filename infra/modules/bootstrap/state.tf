data "aws_iam_policy_document" "state_key" {
  # In a key policy "*" means "this key". Without this statement the key could no longer be managed by anybody.
  statement {
    sid       = "AccountAdministrators"
    actions   = ["kms:*"] #tfsec:ignore:aws-iam-no-policy-wildcards
    resources = ["*"]     #tfsec:ignore:aws-iam-no-policy-wildcards

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${var.account_id}:root"]
    }
  }
}

resource "aws_kms_key" "state" {
  description             = "Terraform state of ${var.prefix}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.state_key.json

  tags = { "rifaapp:environment" = "bootstrap" } # a key without the tag could be made any environment's own

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "state" {
  name          = "alias/${var.prefix}-state"
  target_key_id = aws_kms_key.state.key_id
}

# Access to state is logged by CloudTrail where the account has it; a second bucket for server logs would need the same care.
#tfsec:ignore:aws-s3-enable-bucket-logging
resource "aws_s3_bucket" "state" {
  bucket = var.state_bucket

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.state.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket = aws_s3_bucket.state.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    id     = "forget-old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.state_versions_kept_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.state]
}

data "aws_iam_policy_document" "state_bucket" {
  statement {
    sid     = "TLSOnly"
    effect  = "Deny"
    actions = ["s3:*"] #tfsec:ignore:aws-iam-no-policy-wildcards
    resources = [
      "arn:${local.partition}:s3:::${var.state_bucket}",
      "arn:${local.partition}:s3:::${var.state_bucket}/*",
    ]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = data.aws_iam_policy_document.state_bucket.json

  depends_on = [aws_s3_bucket_public_access_block.state]
}

# What any work with state needs, whoever does it.
data "aws_iam_policy_document" "find_state" {
  statement {
    sid = "FindTheState"
    actions = [
      "s3:GetBucketLocation", "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:GetBucketVersioning",
      "s3:GetEncryptionConfiguration", "s3:ListBucket",
    ]
    resources = ["arn:${local.partition}:s3:::${var.state_bucket}"]
  }

  statement {
    sid       = "DecryptIt"
    actions   = ["kms:Decrypt", "kms:DescribeKey"]
    resources = [aws_kms_key.state.arn]
  }
}

data "aws_iam_policy_document" "state" {
  for_each = var.environments

  source_policy_documents = [data.aws_iam_policy_document.find_state.json]

  # Deleting is for the lock, which is an object beside the state.
  statement {
    sid       = "StateOfThisEnvironment"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["arn:${local.partition}:s3:::${var.state_bucket}/${each.key}/*"]
  }

  statement {
    sid       = "EncryptIt"
    actions   = ["kms:Encrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.state.arn]
  }
}

# Pull requests plan, without the lock: what nobody has reviewed yet may read the state and write nothing, so
# that it can lift no lock of a deployment either.
data "aws_iam_policy_document" "plan_state" {
  for_each = var.environments

  source_policy_documents = [data.aws_iam_policy_document.find_state.json]

  statement {
    sid       = "ReadStateOfThisEnvironment"
    actions   = ["s3:GetObject"]
    resources = ["arn:${local.partition}:s3:::${var.state_bucket}/${each.key}/*"]
  }
}
