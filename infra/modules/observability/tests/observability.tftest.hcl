mock_provider "aws" {
  source = "../testing"
}

variables {
  name                   = "rifaapp-test"
  api_function_name      = "rifaapp-test-api"
  migrator_function_name = "rifaapp-test-migrator"
  api_log_group_name     = "/aws/lambda/rifaapp-test-api"
  api_id                 = "mockedapi"
  kms_key_arn            = "arn:aws:kms:us-east-1:123456789012:key/test"
  database               = { engine = "aurora", identifier = "rifaapp-test", max_connections = 100 }
}

run "watches_an_aurora_environment" {
  variables {
    alarm_emails = ["turno@rifa.example"]
    schedule     = "rate(1 minute)"
  }

  assert {
    condition = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset([
      "api-failing", "api-throttled", "database-capacity", "database-connections", "database-cpu", "database-deadlocks",
      "migrator-failing", "schedule-failing", "server-errors",
    ])
    error_message = "Every alarm people rely on must be there."
  }

  assert {
    condition     = alltrue([for a in aws_cloudwatch_metric_alarm.this : a.alarm_actions == toset([aws_sns_topic.alarms.arn]) && a.treat_missing_data == "notBreaching"])
    error_message = "Every alarm must be announced, and silence is no alarm."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["database-connections"].threshold == 80 && aws_cloudwatch_metric_alarm.this["database-connections"].dimensions == tomap({ DBClusterIdentifier = "rifaapp-test" })
    error_message = "The connections alarm must stand at 80 % of what this cluster accepts."
  }

  assert {
    condition     = aws_cloudwatch_composite_alarm.canary.alarm_rule == "ALARM(\"rifaapp-test-canary-errors\") OR ALARM(\"rifaapp-test-canary-5xx\") OR ALARM(\"rifaapp-test-canary-slow\")"
    error_message = "Crashes, 5xx answers and slowness must each call a canary back."
  }

  # An alarm on the percentile itself is inactive, or stays as it is, below a thousand calls a minute.
  assert {
    condition = (aws_cloudwatch_metric_alarm.canary_slow.datapoints_to_alarm == 2 && aws_cloudwatch_metric_alarm.canary_slow.evaluation_periods == 3
      && one([for q in aws_cloudwatch_metric_alarm.canary_slow.metric_query : q.expression if coalesce(q.return_data, false)]) == "IF(m_calls >= 50, m_p99, 0)"
    && one([for q in aws_cloudwatch_metric_alarm.canary_slow.metric_query : q.metric[0].stat if q.id == "m_p99"]) == "p99")
    error_message = "The slowest hundredth must count from 50 calls a minute on, two minutes in three."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["schedule-failing"].datapoints_to_alarm == 3
    error_message = "Called every minute, three dropped calls in five minutes are an alarm."
  }

  assert {
    condition     = output.canary_alarm_name == "rifaapp-test-canary" && length(output.canary_alarm_names) == 3
    error_message = "mage deploy watches the canary's alarm by its name."
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 9
    error_message = "The dashboard must show nine charts."
  }

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == var.kms_key_arn && aws_sns_topic_subscription.email["turno@rifa.example"].protocol == "email"
    error_message = "Alarm messages must be encrypted and reach who asked for them."
  }

  assert {
    condition     = aws_cloudwatch_log_metric_filter.server_errors.log_group_name == "/aws/lambda/rifaapp-test-api"
    error_message = "5xx answers must be counted from the api's own log."
  }
}

run "watches_a_plain_server" {
  command = plan

  variables {
    database = { engine = "rds", identifier = "rifaapp-test", max_connections = 80 }
    canary   = { error_percent = 5, min_calls = 50 }
    schedule = "rate(6 hours)"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["schedule-failing"].datapoints_to_alarm == 1
    error_message = "Called less often than every minute, one dropped call is an alarm: there are no three in five minutes."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.disk) == 1 && length(setintersection(keys(aws_cloudwatch_metric_alarm.this), ["database-capacity", "database-deadlocks"])) == 0
    error_message = "A plain server has a disk that fills up, and no metrics of capacity units and deadlocks."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["database-cpu"].dimensions == tomap({ DBInstanceIdentifier = "rifaapp-test" })
    error_message = "The alarms must look at the instance."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.canary_errors.threshold == 5 && anytrue([for q in aws_cloudwatch_metric_alarm.canary_errors.metric_query : strcontains(q.expression == null ? "" : q.expression, "m_calls >= 50")])
    error_message = "The canary's limits must be those that were asked for."
  }
}

run "refuses_what_is_no_name_or_number" {
  command = plan

  variables {
    name                   = "Rifa App"
    api_function_name      = "API"
    migrator_function_name = "Migrator"
    alias                  = "LIVE"
    api_log_group_name     = "rifaapp-test-api"
    api_id                 = "https://mockedapi"
    database               = { engine = "mysql", identifier = "x", max_connections = 0 }
    kms_key_arn            = "alias/rifaapp"
    alarm_emails           = ["nobody"]
    canary                 = { error_percent = 0 }
    schedule               = "every minute"
  }

  expect_failures = [
    var.name, var.api_function_name, var.migrator_function_name, var.alias, var.api_log_group_name, var.api_id, var.database,
    var.kms_key_arn, var.alarm_emails, var.canary, var.schedule,
  ]
}
