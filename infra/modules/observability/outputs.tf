output "canary_alarm_name" {
  description = "The one alarm to watch while traffic moves to a new version."
  value       = aws_cloudwatch_composite_alarm.canary.alarm_name
}

output "canary_alarm_names" {
  description = "The alarms it is made of, to say which one went off."
  value = [
    aws_cloudwatch_metric_alarm.canary_errors.alarm_name,
    aws_cloudwatch_metric_alarm.canary_5xx.alarm_name,
    aws_cloudwatch_metric_alarm.canary_slow.alarm_name,
  ]
}

output "topic_arn" {
  description = "Where alarms are announced."
  value       = aws_sns_topic.alarms.arn
}

output "dashboard_name" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "alarm_names" {
  description = "Every alarm people are written about."
  value       = concat([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name], aws_cloudwatch_metric_alarm.disk[*].alarm_name, [aws_cloudwatch_composite_alarm.canary.alarm_name])
}
