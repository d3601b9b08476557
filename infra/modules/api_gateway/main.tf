locals {
  methods = ["get", "put", "post", "delete", "patch", "head", "options", "trace"]

  # Operations of the document: "GET /rifaapp/v2/raffles/{id}". Preflights are the gateway's, it answers them itself. A
  # route may not end in a slash, so "GET /rifaapp/" is "GET /rifaapp" here, and the function sees the path as it came.
  documented_routes = toset(flatten([
    for path, item in yamldecode(file(var.openapi_path)).paths : [
      for method in keys(item) : "${upper(method)} ${trimsuffix(path, "/")}" if contains(local.methods, method) && method != "options"
    ]
  ]))

  api_routes = setsubtract(local.documented_routes, [var.migrations_route])

  # A record that this module writes is there as soon as the domain is. Any other is somebody's to make, once the domain
  # has told its target; until then the API's own address is the only one.
  execute_api_closed = coalesce(var.close_execute_api, try(var.domain.zone_id, null) != null)

  always_accepted = ["authorization", "content-type", "idempotency-key", "if-none-match", "x-user-id"]
  always_exposed  = ["etag", "link", "location", "retry-after", "x-request-id", "idempotency-replayed"]
}

resource "aws_apigatewayv2_api" "this" {
  name                         = var.name
  description                  = "RifaApp: routes come from the committed OpenAPI document"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = local.execute_api_closed

  cors_configuration {
    allow_origins  = var.cors.allow_origins
    allow_methods  = var.cors.allow_methods
    allow_headers  = distinct(concat(local.always_accepted, [for h in var.cors.allow_headers : lower(h)]))
    expose_headers = local.always_exposed
    max_age        = var.cors.max_age_seconds
  }
}

resource "aws_apigatewayv2_integration" "api" {
  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = var.api_function.invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = var.integration_timeout_ms
}

resource "aws_apigatewayv2_integration" "migrator" {
  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = var.migrator_function.invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000 # all the gateway grants; `mage migrate` calls the function itself and waits for 900 s
}

# NONE is said out loud: the API checks its own tokens, and the gateway adds nothing to that.
resource "aws_apigatewayv2_route" "api" {
  for_each = local.api_routes

  api_id             = aws_apigatewayv2_api.this.id
  route_key          = each.key
  authorization_type = "NONE"
  target             = "integrations/${aws_apigatewayv2_integration.api.id}"
}

resource "aws_apigatewayv2_route" "migrations" {
  api_id             = aws_apigatewayv2_api.this.id
  route_key          = var.migrations_route
  authorization_type = "AWS_IAM"
  target             = "integrations/${aws_apigatewayv2_integration.migrator.id}"
}

# Unknown paths and wrong methods get the product's problem details, not the gateway's two words.
resource "aws_apigatewayv2_route" "unknown" {
  count = var.answer_unknown_routes ? 1 : 0

  api_id             = aws_apigatewayv2_api.this.id
  route_key          = "$default"
  authorization_type = "NONE"
  target             = "integrations/${aws_apigatewayv2_integration.api.id}"
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  # Metrics of every single route would cost more than the rest of the gateway; the access log has them all.
  default_route_settings {
    detailed_metrics_enabled = false
    throttling_rate_limit    = var.throttle.rate
    throttling_burst_limit   = var.throttle.burst
  }

  route_settings {
    route_key                = aws_apigatewayv2_route.migrations.route_key
    detailed_metrics_enabled = false
    throttling_rate_limit    = var.migrations_throttle.rate
    throttling_burst_limit   = var.migrations_throttle.burst
  }

  # Route patterns, not paths: participant ids in a path are secrets that only their holders know.
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode({
      time          = "$context.requestTimeEpoch"
      request_id    = "$context.requestId"
      source_ip     = "$context.identity.sourceIp"
      route         = "$context.routeKey"
      status        = "$context.status"
      bytes         = "$context.responseLength"
      duration_ms   = "$context.responseLatency"
      function_ms   = "$context.integrationLatency"
      error         = "$context.error.message" # messageString brings quotes of its own
      function_fail = "$context.integrationErrorMessage"
      principal     = "$context.identity.userArn"
    })
  }
}

resource "aws_lambda_permission" "api" {
  statement_id  = "api-gateway"
  action        = "lambda:InvokeFunction"
  function_name = var.api_function.name
  qualifier     = var.api_function.alias
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/*"
}

resource "aws_lambda_permission" "migrator" {
  statement_id  = "api-gateway"
  action        = "lambda:InvokeFunction"
  function_name = var.migrator_function.name
  qualifier     = var.migrator_function.alias
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/${replace(var.migrations_route, " ", "")}"
}
