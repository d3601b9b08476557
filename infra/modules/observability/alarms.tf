# What people are written about. A minute's noise is no reason to wake anybody: most need three bad minutes in five.

locals {
  api      = { FunctionName = var.api_function_name }
  migrator = { FunctionName = var.migrator_function_name }

  bad_calls = var.schedule == "rate(1 minute)" ? 3 : 1 # a slower clock does not call three times in five minutes

  alarms = merge({
    api-throttled = {
      text = "Requests were turned away because every reserved copy of ${var.api_function_name} was busy"
      ns   = "AWS/Lambda", metric = "Throttles", dimensions = local.api, stat = "Sum", above = 0, minutes = 5, of = 3
    }
    api-failing = {
      text = "${var.api_function_name} crashed or timed out"
      ns   = "AWS/Lambda", metric = "Errors", dimensions = local.api, stat = "Sum", above = 2, minutes = 5, of = 3
    }
    server-errors = {
      text = "The API answered 5xx: read its log for status >= 500"
      ns   = local.namespace, metric = "ServerErrors", dimensions = null, stat = "Sum", above = 2, minutes = 5, of = 3
    }
    schedule-failing = {
      text = "Scheduled calls of ${var.api_function_name} were dropped: expired holds stay on the board"
      ns   = "AWS/Lambda", metric = "AsyncEventsDropped", dimensions = local.api, stat = "Sum", above = 0, minutes = 5, of = local.bad_calls
    }
    migrator-failing = {
      text = "${var.migrator_function_name} failed: look at its log before the next deployment"
      ns   = "AWS/Lambda", metric = "Errors", dimensions = local.migrator, stat = "Sum", above = 0, minutes = 1, of = 1
    }
    database-connections = {
      text = "More than 80 % of the database's connections are taken"
      ns   = "AWS/RDS", metric = "DatabaseConnections", dimensions = local.database_dimensions, stat = "Maximum", above = floor(var.database.max_connections * 0.8), minutes = 5, of = 3
    }
    database-cpu = {
      text = "The database has been busy above 90 % for ten minutes"
      ns   = "AWS/RDS", metric = "CPUUtilization", dimensions = local.database_dimensions, stat = "Average", above = 90, minutes = 10, of = 10
    }
    }, {
    for key, alarm in { # metrics that a plain server does not have
      database-deadlocks = {
        text = "PostgreSQL broke deadlocks: commands take numbers in ascending order, so there should be none"
        ns   = "AWS/RDS", metric = "Deadlocks", dimensions = local.database_dimensions, stat = "Sum", above = 0, minutes = 5, of = 1
      }
      database-capacity = {
        text = "Aurora has stood at its largest capacity for ten minutes: raise capacity.max"
        ns   = "AWS/RDS", metric = "ACUUtilization", dimensions = local.database_dimensions, stat = "Average", above = 95, minutes = 10, of = 10
      }
    } : key => alarm if var.database.engine == "aurora"
  })
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.text
  namespace           = each.value.ns
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.stat
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  period              = 60
  evaluation_periods  = each.value.minutes
  datapoints_to_alarm = each.value.of
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# A plain server has a disk that fills up; Aurora's grows by itself.
resource "aws_cloudwatch_metric_alarm" "disk" {
  count = var.database.engine == "rds" ? 1 : 0

  alarm_name          = "${var.name}-database-disk"
  alarm_description   = "Less than 2 GiB of disk are left: raise instance.max_storage_gib"
  namespace           = "AWS/RDS"
  metric_name         = "FreeStorageSpace"
  dimensions          = local.database_dimensions
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = 2147483648
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
