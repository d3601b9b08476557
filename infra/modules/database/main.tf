data "aws_region" "current" {}

data "aws_partition" "current" {}

locals {
  aurora    = var.engine == "aurora"
  region    = data.aws_region.current.name
  partition = data.aws_partition.current.partition
  major     = split(".", var.engine_version)[0]

  default_connections = local.aurora ? min(floor(180 * var.capacity.max), 2000) : 80
  max_connections     = coalesce(var.max_connections, local.default_connections)

  # Who signs in with an IAM token; roles.sql makes them. The owner has no login.
  roles = { app = "rifaapp_app", migrator = "rifaapp_migrator" }

  # What both kinds of server are told. Timeouts live on the app's role: roles.sql.
  parameters = {
    "rds.force_ssl"              = { value = "1", apply_method = "immediate" }
    "max_connections"            = { value = tostring(local.max_connections), apply_method = "pending-reboot" }
    "log_min_duration_statement" = { value = "1000", apply_method = "immediate" } # ms; the slowest promise is 5 s
    "log_lock_waits"             = { value = "1", apply_method = "immediate" }
    "log_connections"            = { value = "1", apply_method = "immediate" }
    "log_statement"              = { value = "ddl", apply_method = "immediate" }
    # A buyer whose number was taken is an error to the server, and a raffle that goes viral has thousands a
    # second: they are logged without their statement, which the API knows.
    "log_min_error_statement" = { value = "fatal", apply_method = "immediate" }
  }

  # Endings that differ by engine, so that outputs need not ask twice.
  server_host = local.aurora ? aws_rds_cluster.this[0].endpoint : aws_db_instance.this[0].address
  server_port = local.aurora ? aws_rds_cluster.this[0].port : aws_db_instance.this[0].port
  resource_id = local.aurora ? aws_rds_cluster.this[0].cluster_resource_id : aws_db_instance.this[0].resource_id
  master_secret_arn = (local.aurora
    ? aws_rds_cluster.this[0].master_user_secret[0].secret_arn
  : aws_db_instance.this[0].master_user_secret[0].secret_arn)
}

resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Private subnets of ${var.name}"
  subnet_ids  = var.subnet_ids
}

# RDS would make the group by itself, without retention and without our key.
resource "aws_cloudwatch_log_group" "postgresql" {
  name              = local.aurora ? "/aws/rds/cluster/${var.name}/postgresql" : "/aws/rds/instance/${var.name}/postgresql"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
