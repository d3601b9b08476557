output "state_bucket" {
  description = "Bucket that holds Terraform state."
  value       = aws_s3_bucket.state.bucket
}

output "deploy_role_arns" {
  description = "Role that deploys each environment; the variable AWS_ROLE_ARN of GitHub's environment of that name."
  value       = { for e in var.environments : e => aws_iam_role.deploy[e].arn }
}

output "plan_role_arns" {
  description = "Role that plans each environment; the variable AWS_ROLE_ARN of GitHub's environment ENV-plan."
  value       = { for e in var.environments : e => aws_iam_role.plan[e].arn }
}

output "permissions_boundary_arns" {
  description = "Boundary that every role of each environment carries; root.hcl reckons the same ARN."
  value       = { for e in var.environments : e => aws_iam_policy.boundary[e].arn }
}
