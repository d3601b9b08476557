data "aws_region" "current" {}

locals {
  region    = data.aws_region.current.name
  namespace = "RifaApp/${var.name}"
  alias     = { FunctionName = var.api_function_name, Resource = "${var.api_function_name}:${var.alias}" }

  database_dimensions = (var.database.engine == "aurora"
    ? { DBClusterIdentifier = var.database.identifier }
  : { DBInstanceIdentifier = var.database.identifier })
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.alarm_emails

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

# The API writes one JSON line a request; what it could not answer is counted from there, because an invocation that
# answers 500 is no error to Lambda.
resource "aws_cloudwatch_log_metric_filter" "server_errors" {
  name           = "${var.name}-server-errors"
  log_group_name = var.api_log_group_name
  pattern        = "{ $.status >= 500 }"

  metric_transformation {
    namespace     = local.namespace
    name          = "ServerErrors"
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}

resource "aws_cloudwatch_log_metric_filter" "request_milliseconds" {
  name           = "${var.name}-request-milliseconds"
  log_group_name = var.api_log_group_name
  pattern        = "{ $.duration_ms >= 0 }"

  metric_transformation {
    namespace = local.namespace
    name      = "RequestMilliseconds"
    value     = "$.duration_ms"
    unit      = "Milliseconds"
  }
}
