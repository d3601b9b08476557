output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Private subnets, in the order of the zones."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]
}

output "functions_security_group_id" {
  description = "Security group for Lambda functions."
  value       = aws_security_group.functions.id
}

output "database_security_group_id" {
  description = "Security group for the database."
  value       = aws_security_group.database.id
}

output "kms_key_arn" {
  description = "Key that encrypts what the environment keeps."
  value       = aws_kms_key.this.arn
}
