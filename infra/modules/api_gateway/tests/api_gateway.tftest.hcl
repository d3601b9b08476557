mock_provider "aws" {
  source = "../testing"
}

variables {
  name         = "rifaapp-test"
  openapi_path = "../../../app/httpapi/openapi.yaml"
  kms_key_arn  = "arn:aws:kms:us-east-1:123456789012:key/test"
  cors         = { allow_origins = ["https://rifa.example"] }

  api_function = {
    name       = "rifaapp-test-api"
    alias      = "live"
    invoke_arn = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:rifaapp-test-api:live/invocations"
  }

  migrator_function = {
    name       = "rifaapp-test-migrator"
    alias      = "live"
    invoke_arn = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:rifaapp-test-migrator:live/invocations"
  }
}

run "routes_are_the_documents" {
  assert {
    condition = setsubtract(keys(output.routes), ["$default"]) == toset(flatten([
      for path, item in yamldecode(file(var.openapi_path)).paths : [for method in keys(item) : "${upper(method)} ${trimsuffix(path, "/")}" if method != "parameters"]
    ]))
    error_message = "Every operation of the OpenAPI document must be a route, and every route an operation."
  }

  assert {
    condition = alltrue(flatten([
      for key in setsubtract(keys(output.routes), ["$default"]) : [
        for part in split("/", trimprefix(split(" ", key)[1], "/")) : can(regex("^(\\{[\\w.:-]+\\+?\\}|[a-zA-Z0-9.:_-]+)$", part))
      ]
    ]))
    error_message = "API Gateway refuses a route with an empty part, such as one that ends in a slash, or with other characters."
  }

  assert {
    condition     = { for key, authorization in output.routes : key => authorization if authorization != "NONE" } == { "POST /rifaapp/migrations/run" = "AWS_IAM" }
    error_message = "The migrations route, and no other, must ask IAM."
  }

  assert {
    condition     = aws_apigatewayv2_route.migrations.target == "integrations/${aws_apigatewayv2_integration.migrator.id}" && aws_apigatewayv2_integration.migrator.integration_uri == var.migrator_function.invoke_arn
    error_message = "Migrations must go to the migrator."
  }

  assert {
    condition     = alltrue([for r in aws_apigatewayv2_route.api : r.target == "integrations/${aws_apigatewayv2_integration.api.id}"]) && aws_apigatewayv2_integration.api.payload_format_version == "2.0"
    error_message = "Everything else must go to the api, in payload format 2.0."
  }

  assert {
    condition     = aws_apigatewayv2_stage.this.default_route_settings[0].throttling_rate_limit == 200 && one([for s in aws_apigatewayv2_stage.this.route_settings : s.throttling_rate_limit if s.route_key == "POST /rifaapp/migrations/run"]) == 1
    error_message = "The stage must be throttled, and the migrations route most of all."
  }

  assert {
    condition     = !strcontains(aws_apigatewayv2_stage.this.access_log_settings[0].format, "$context.path") && strcontains(aws_apigatewayv2_stage.this.access_log_settings[0].format, "$context.routeKey")
    error_message = "The access log must hold route patterns, never paths: participant ids are secrets."
  }

  assert {
    condition     = jsondecode(aws_apigatewayv2_stage.this.access_log_settings[0].format).error == "$context.error.message"
    error_message = "The access log must stay JSON when there is an error: messageString would put quotes inside the quotes."
  }

  assert {
    condition     = aws_cloudwatch_log_group.access.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.access.retention_in_days == 30
    error_message = "The access log must be encrypted and kept for a known time."
  }

  assert {
    condition = (aws_lambda_permission.api.qualifier == "live" && aws_lambda_permission.api.source_arn == "arn:aws:execute-api:us-east-1:123456789012:mockedapi/*/*"
    && aws_lambda_permission.migrator.source_arn == "arn:aws:execute-api:us-east-1:123456789012:mockedapi/*/POST/rifaapp/migrations/run")
    error_message = "The gateway may call the aliases only, and the migrator by its one route only."
  }

  assert {
    condition     = aws_apigatewayv2_api.this.cors_configuration[0].allow_origins == toset(["https://rifa.example"]) && contains(aws_apigatewayv2_api.this.cors_configuration[0].allow_headers, "idempotency-key") && contains(aws_apigatewayv2_api.this.cors_configuration[0].expose_headers, "etag")
    error_message = "Preflights must accept and expose what the product promises."
  }

  assert {
    condition     = output.base_url == "https://mockedapi.execute-api.us-east-1.amazonaws.com" && output.migrations_url == "${output.base_url}/rifaapp/migrations/run"
    error_message = "Without a domain clients go to the execute-api address."
  }

  assert {
    condition     = !aws_apigatewayv2_api.this.disable_execute_api_endpoint && output.execute_api_url == output.base_url && output.domain_target == null && output.domain_target_zone_id == null
    error_message = "Without a domain the execute-api address must be open, and no record is needed."
  }
}

run "own_domain" {
  variables {
    answer_unknown_routes = false
    domain = {
      name            = "api.rifa.example"
      certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/test"
      zone_id         = "Z0TEST"
    }
  }

  assert {
    condition     = aws_apigatewayv2_api.this.disable_execute_api_endpoint && output.base_url == "https://api.rifa.example"
    error_message = "A domain whose records are written here must close the execute-api address."
  }

  assert {
    condition     = output.execute_api_url == null && output.domain_target == aws_route53_record.this["A"].alias[0].name && output.domain_target_zone_id == aws_route53_record.this["A"].alias[0].zone_id
    error_message = "The outputs must say where the records lead, and no address that is closed."
  }

  assert {
    condition     = aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].security_policy == "TLS_1_2" && keys(aws_route53_record.this) == ["A", "AAAA"]
    error_message = "The domain must speak TLS 1.2 and be found over IPv4 and IPv6."
  }

  assert {
    condition     = !contains(keys(output.routes), "$default")
    error_message = "answer_unknown_routes = false must leave no route for the unknown."
  }
}

# Nobody could make the record before the domain says its target, and clients would have no address until then.
run "domain_outside_route_53" {
  variables {
    domain = {
      name            = "api.rifa.example"
      certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/test"
    }
  }

  assert {
    condition     = !aws_apigatewayv2_api.this.disable_execute_api_endpoint && output.execute_api_url == aws_apigatewayv2_api.this.api_endpoint && output.base_url == "https://api.rifa.example"
    error_message = "The execute-api address must stay open while the domain's record is somebody else's to make."
  }

  assert {
    condition     = output.domain_target == "d-mocked.execute-api.us-east-1.amazonaws.com" && output.domain_target_zone_id == "Z0MOCKED"
    error_message = "The outputs must say where the record must lead."
  }
}

run "domain_outside_route_53_that_is_ready" {
  variables {
    close_execute_api = true
    domain = {
      name            = "api.rifa.example"
      certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/test"
    }
  }

  assert {
    condition     = aws_apigatewayv2_api.this.disable_execute_api_endpoint && output.execute_api_url == null
    error_message = "Once the record is there the execute-api address can be closed."
  }
}

run "refuses_what_cannot_be" {
  command = plan

  variables {
    name                   = "Rifa App"
    openapi_path           = "no-such-document.yaml"
    kms_key_arn            = "alias/rifaapp"
    log_retention_days     = 8
    integration_timeout_ms = 60000
    migrations_route       = "GET /migrations"
    throttle               = { rate = 10, burst = 5 }
    migrations_throttle    = { rate = 0, burst = 5 }
    cors                   = { allow_origins = ["https://rifa.example/path"], max_age_seconds = -1 }
    domain                 = { name = "https://rifa.example", certificate_arn = "arn:aws:iam::123456789012:server-certificate/x" }

    api_function      = { name = "api", alias = "live", invoke_arn = "arn:aws:lambda:us-east-1:123456789012:function:api" }
    migrator_function = { name = "migrator", alias = "live", invoke_arn = "arn:aws:lambda:us-east-1:123456789012:function:migrator" }
  }

  expect_failures = [
    var.name, var.openapi_path, var.kms_key_arn, var.log_retention_days, var.integration_timeout_ms, var.migrations_route, var.throttle,
    var.migrations_throttle, var.cors, var.domain, var.api_function, var.migrator_function,
  ]
}

run "refuses_to_close_the_only_address" {
  command = plan

  variables {
    close_execute_api = true
  }

  expect_failures = [var.close_execute_api]
}

run "refuses_everyone_and_somebody" {
  command = plan

  variables {
    openapi_path = "tests/outside.yaml"
    cors         = { allow_origins = ["*", "https://rifa.example"] }
  }

  expect_failures = [var.cors, var.openapi_path]
}
