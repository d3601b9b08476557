output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "function_arn" {
  description = "ARN of the function, without a version."
  value       = aws_lambda_function.this.arn
}

output "alias_name" {
  description = "Name of the alias that is served."
  value       = aws_lambda_alias.live.name
}

output "alias_arn" {
  description = "ARN of the alias that is served."
  value       = aws_lambda_alias.live.arn
}

output "invoke_arn" {
  description = "What API Gateway integrates with: the alias, never a bare version."
  value       = aws_lambda_alias.live.invoke_arn
}

output "log_group_name" {
  description = "Log group of the function."
  value       = aws_cloudwatch_log_group.this.name
}

output "role_arn" {
  description = "Role the function runs as."
  value       = aws_iam_role.this.arn
}

output "reserved_connections" {
  description = "Connections the function may hold at once; counted against other functions of the same database."
  value       = var.reserved_concurrency * var.pool_size
}

output "secret_arns" {
  description = "Secrets made for the function: environment variable => ARN."
  value       = { for variable, secret in aws_secretsmanager_secret.this : variable => secret.arn }
}
