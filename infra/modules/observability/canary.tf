# What `mage deploy` watches while part of the traffic goes to a new version. Any one of these going off calls it back.

locals {
  calls = "m_calls"
  # A share of few calls says nothing: below min_calls the expression is 0.
  share = "IF(m_calls >= ${var.canary.min_calls}, 100 * m_errors / m_calls, 0)"
  # The same for the slowest of them, which among fewer is one cold start. CloudWatch's own setting for few samples waits
  # for a thousand, and keeps an alarm that went off until there are as many again.
  slowest = "IF(m_calls >= 50, m_p99, 0)"
}

resource "aws_cloudwatch_metric_alarm" "canary_errors" {
  alarm_name          = "${var.name}-canary-errors"
  alarm_description   = "More than ${var.canary.error_percent} % of the calls of ${var.alias} failed in a minute: crashed, timed out or ran out of memory"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.canary.error_percent
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "share"
    label       = "failed calls, %"
    expression  = local.share
    return_data = true
  }

  metric_query {
    id = "m_errors"

    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Errors"
      dimensions  = local.alias
      period      = 60
      stat        = "Sum"
    }
  }

  metric_query {
    id = local.calls

    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Invocations"
      dimensions  = local.alias
      period      = 60
      stat        = "Sum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "canary_5xx" {
  alarm_name          = "${var.name}-canary-5xx"
  alarm_description   = "More than ${var.canary.error_percent} % of the answers were 5xx in a minute"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.canary.error_percent
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "share"
    label       = "5xx answers, %"
    expression  = local.share
    return_data = true
  }

  metric_query {
    id = "m_errors"

    metric {
      namespace   = "AWS/ApiGateway"
      metric_name = "5xx"
      dimensions  = { ApiId = var.api_id }
      period      = 60
      stat        = "Sum"
    }
  }

  metric_query {
    id = local.calls

    metric {
      namespace   = "AWS/ApiGateway"
      metric_name = "Count"
      dimensions  = { ApiId = var.api_id }
      period      = 60
      stat        = "Sum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "canary_slow" {
  alarm_name          = "${var.name}-canary-slow"
  alarm_description   = "The slowest hundredth of the calls of ${var.alias} took more than ${var.canary.p99_ms} ms, two minutes in three"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.canary.p99_ms
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "slowest"
    label       = "slowest hundredth, ms"
    expression  = local.slowest
    return_data = true
  }

  metric_query {
    id = "m_p99"

    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Duration"
      dimensions  = local.alias
      period      = 60
      stat        = "p99"
    }
  }

  metric_query {
    id = local.calls

    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Invocations"
      dimensions  = local.alias
      period      = 60
      stat        = "Sum"
    }
  }
}

# One name to watch.
resource "aws_cloudwatch_composite_alarm" "canary" {
  alarm_name        = "${var.name}-canary"
  alarm_description = "A deployment under way should go back to the version before"
  alarm_actions     = [aws_sns_topic.alarms.arn]

  alarm_rule = join(" OR ", [
    for alarm in [aws_cloudwatch_metric_alarm.canary_errors, aws_cloudwatch_metric_alarm.canary_5xx, aws_cloudwatch_metric_alarm.canary_slow] :
    "ALARM(\"${alarm.alarm_name}\")"
  ])
}
