output "base_url" {
  description = "Where clients go, without a slash at the end: the custom domain when there is one."
  value       = var.domain == null ? aws_apigatewayv2_api.this.api_endpoint : "https://${var.domain.name}"
}

output "execute_api_url" {
  description = "The API's own address, without a slash at the end. Null when it is closed."
  value       = local.execute_api_closed ? null : aws_apigatewayv2_api.this.api_endpoint
}

output "domain_target" {
  description = "Where the domain's DNS record must lead: a CNAME, or in Route 53 an alias to it in the zone domain_target_zone_id. Null without a domain."
  value       = one(aws_apigatewayv2_domain_name.this[*].domain_name_configuration[0].target_domain_name)
}

output "domain_target_zone_id" {
  description = "Hosted zone of domain_target, which an alias record names. Null without a domain."
  value       = one(aws_apigatewayv2_domain_name.this[*].domain_name_configuration[0].hosted_zone_id)
}

output "api_id" {
  description = "Id of the HTTP API; its metrics carry it."
  value       = aws_apigatewayv2_api.this.id
}

output "routes" {
  description = "Every route with its authorization: what the document says, the migrations route, and $default when unknown routes are answered."
  value = merge(
    { for key, route in aws_apigatewayv2_route.api : key => route.authorization_type },
    { (aws_apigatewayv2_route.migrations.route_key) = aws_apigatewayv2_route.migrations.authorization_type },
    { for route in aws_apigatewayv2_route.unknown : route.route_key => route.authorization_type },
  )
}

output "migrations_url" {
  description = "The migrations route, for callers that sign with IAM."
  value       = "${var.domain == null ? aws_apigatewayv2_api.this.api_endpoint : "https://${var.domain.name}"}${element(split(" ", var.migrations_route), 1)}"
}

output "access_log_group_name" {
  description = "Log group of the access log."
  value       = aws_cloudwatch_log_group.access.name
}
