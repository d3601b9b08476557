data "aws_iam_policy_document" "secrets_endpoint" {
  statement {
    sid     = "OnlySecretsOfThisEnvironment"
    actions = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    resources = [
      "arn:${local.partition}:secretsmanager:${local.region}:${var.account_id}:secret:${var.name}/*",
      "arn:${local.partition}:secretsmanager:${local.region}:${var.account_id}:secret:rds!*",
    ]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${var.account_id}:root"]
    }
  }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for zone in slice(var.zones, 0, var.endpoint_zones) : aws_subnet.private[zone].id]
  security_group_ids  = [aws_security_group.endpoints.id]
  policy              = each.key == "secretsmanager" ? data.aws_iam_policy_document.secrets_endpoint.json : null

  tags = { Name = "${var.name}-${each.key}" }
}
