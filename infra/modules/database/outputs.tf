output "host" {
  description = "Where functions connect to write and to read what they wrote: the writer."
  value       = local.server_host
}

output "read_host" {
  description = "Reader endpoint for public lists that may lag; null without readers."
  value       = local.aurora && var.reader_count > 0 ? aws_rds_cluster.this[0].reader_endpoint : null
}

output "port" {
  description = "TCP port of the server."
  value       = local.server_port
}

output "database_name" {
  description = "Name of the database."
  value       = var.database_name
}

output "identifier" {
  description = "Identifier of the cluster, or of the instance on plain RDS."
  value       = local.aurora ? aws_rds_cluster.this[0].cluster_identifier : aws_db_instance.this[0].identifier
}

output "server_arn" {
  description = "ARN of the cluster (what the Data API is called with), or of the instance on plain RDS."
  value       = local.aurora ? aws_rds_cluster.this[0].arn : aws_db_instance.this[0].arn
}

output "master_secret_arn" {
  description = "Secret with the master user's name and password, made and rotated by RDS."
  value       = local.master_secret_arn
}

output "roles" {
  description = "Database roles that sign in with an IAM token: app and migrator."
  value       = local.roles
}

output "user_arns" {
  description = "ARN that rds-db:connect needs for each role."
  value = {
    for key, role in local.roles : key => "arn:${local.partition}:rds-db:${local.region}:${var.account_id}:dbuser:${local.resource_id}/${role}"
  }
}

output "max_connections" {
  description = "Connections the server accepts; the lambda module checks what functions may open against it."
  value       = local.max_connections
}

output "engine" {
  description = "aurora or rds."
  value       = var.engine
}
