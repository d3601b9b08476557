# RDS Proxy, only where somebody asks for it. Functions sign in to it with IAM; it signs in to the server with the secrets.

locals {
  proxy_count = var.proxy == null ? 0 : 1
}

data "aws_iam_policy_document" "proxy_assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["rds.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

data "aws_iam_policy_document" "proxy_secrets" {
  count = local.proxy_count

  statement {
    sid       = "ReadTheRolesSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = var.proxy.secret_arns
  }

  statement {
    sid       = "DecryptThem"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${local.region}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "proxy" {
  count = local.proxy_count

  name                 = "${var.name}-rds-proxy"
  description          = "Lets RDS Proxy read the secrets of the database roles"
  assume_role_policy   = data.aws_iam_policy_document.proxy_assume.json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "proxy" {
  count = local.proxy_count

  name   = "read-role-secrets"
  role   = aws_iam_role.proxy[0].id
  policy = data.aws_iam_policy_document.proxy_secrets[0].json
}

resource "aws_db_proxy" "this" {
  count = local.proxy_count

  name                   = var.name
  engine_family          = "POSTGRESQL"
  role_arn               = aws_iam_role.proxy[0].arn
  require_tls            = true
  idle_client_timeout    = 900
  vpc_subnet_ids         = var.subnet_ids
  vpc_security_group_ids = [var.security_group_id]

  dynamic "auth" {
    for_each = toset(var.proxy.secret_arns)

    content {
      auth_scheme = "SECRETS"
      iam_auth    = "REQUIRED"
      secret_arn  = auth.value
    }
  }

  depends_on = [aws_iam_role_policy.proxy]
}

resource "aws_db_proxy_default_target_group" "this" {
  count = local.proxy_count

  db_proxy_name = aws_db_proxy.this[0].name

  connection_pool_config {
    max_connections_percent   = var.proxy.max_connections_percent
    connection_borrow_timeout = var.proxy.borrow_timeout_seconds
  }
}

resource "aws_db_proxy_target" "this" {
  count = local.proxy_count

  db_proxy_name          = aws_db_proxy.this[0].name
  target_group_name      = aws_db_proxy_default_target_group.this[0].name
  db_cluster_identifier  = local.aurora ? aws_rds_cluster.this[0].id : null
  db_instance_identifier = local.aurora ? null : aws_db_instance.this[0].identifier
}
