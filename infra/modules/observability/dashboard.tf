locals {
  # One row of three charts each: what clients see, which version serves them, how the database bears it.
  charts = [
    {
      title = "Answers a minute", stat = "Sum", metrics = [
        ["AWS/ApiGateway", "Count", "ApiId", var.api_id],
        [".", "4xx", ".", "."],
        [".", "5xx", ".", "."],
      ]
    },
    {
      title = "Milliseconds at the gateway, p50 and p99", stat = "p99", metrics = [
        ["AWS/ApiGateway", "Latency", "ApiId", var.api_id, { stat = "p50" }],
        [".", ".", ".", ".", { stat = "p99" }],
        [".", "IntegrationLatency", ".", ".", { stat = "p99" }],
      ]
    },
    {
      title = "5xx by the API's own log", stat = "Sum", metrics = [
        [local.namespace, "ServerErrors"],
      ]
    },
    {
      title = "Calls by version (while two serve)", stat = "Sum", metrics = [
        [{ expression = "SEARCH('{AWS/Lambda,ExecutedVersion,FunctionName,Resource} FunctionName=\"${var.api_function_name}\" MetricName=\"Invocations\"', 'Sum', 60)" }],
      ]
    },
    {
      title = "Failed calls by version (while two serve)", stat = "Sum", metrics = [
        [{ expression = "SEARCH('{AWS/Lambda,ExecutedVersion,FunctionName,Resource} FunctionName=\"${var.api_function_name}\" MetricName=\"Errors\"', 'Sum', 60)" }],
      ]
    },
    {
      title = "Milliseconds by version, p99 (while two serve)", stat = "p99", metrics = [
        [{ expression = "SEARCH('{AWS/Lambda,ExecutedVersion,FunctionName,Resource} FunctionName=\"${var.api_function_name}\" MetricName=\"Duration\"', 'p99', 60)" }],
      ]
    },
    {
      title = "Copies at work, and turned away", stat = "Maximum", metrics = [
        ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", var.api_function_name],
        [".", "Throttles", ".", ".", { stat = "Sum" }],
      ]
    },
    {
      title = "Database connections of ${var.database.max_connections}", stat = "Maximum", metrics = [
        concat(["AWS/RDS", "DatabaseConnections"], flatten([for k, v in local.database_dimensions : [k, v]])),
      ]
    },
    {
      title = var.database.engine == "aurora" ? "Database capacity units" : "Database processor, %", stat = "Maximum", metrics = [
        concat(["AWS/RDS", var.database.engine == "aurora" ? "ServerlessDatabaseCapacity" : "CPUUtilization"], flatten([for k, v in local.database_dimensions : [k, v]])),
      ]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [for i, chart in local.charts : {
      type       = "metric"
      x          = (i % 3) * 8
      y          = floor(i / 3) * 6
      width      = 8
      height     = 6
      properties = { title = chart.title, region = local.region, view = "timeSeries", period = 60, stat = chart.stat, metrics = chart.metrics }
    }]
  })
}
