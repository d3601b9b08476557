data "aws_iam_policy_document" "services" {
  for_each = var.environments

  statement {
    sid = "Functions"
    actions = [
      "lambda:AddPermission", "lambda:CreateAlias", "lambda:CreateFunction", "lambda:DeleteAlias", "lambda:DeleteFunction",
      "lambda:DeleteFunctionConcurrency", "lambda:DeleteFunctionEventInvokeConfig", "lambda:InvokeFunction", "lambda:PublishVersion",
      "lambda:PutFunctionConcurrency", "lambda:PutFunctionEventInvokeConfig", "lambda:RemovePermission", "lambda:TagResource",
      "lambda:UntagResource", "lambda:UpdateAlias", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
      "lambda:UpdateFunctionEventInvokeConfig",
    ]
    resources = [local.named[each.key].functions]
  }

  # API Gateway names things by ids it makes up: the region bounds them, and the tag where it looks at one. What an API
  # consists of has no tags, nor has what is not made yet.
  statement {
    sid     = "Gateway"
    actions = ["apigateway:DELETE", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT", "apigateway:TagResource", "apigateway:UntagResource"]
    resources = [for path in ["apis", "apis/*", "domainnames", "domainnames/*", "tags/*"] :
      "arn:${local.partition}:apigateway:${local.region}::/${path}"
    ]

    condition {
      test     = "StringEqualsIfExists"
      variable = local.environment_tag
      values   = [each.key]
    }
  }

  # A host name of its own: the two records that lead to the gateway, in the one zone, and no other record there.
  dynamic "statement" {
    for_each = [for e, domain in var.domains : domain if e == each.key]

    content {
      sid       = "RecordsOfTheDomain"
      actions   = ["route53:ChangeResourceRecordSets"]
      resources = ["arn:${local.partition}:route53:::hostedzone/${statement.value.zone_id}"]

      condition {
        test     = "ForAllValues:StringEquals"
        variable = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
        values   = [statement.value.name]
      }

      condition {
        test     = "ForAllValues:StringEquals"
        variable = "route53:ChangeResourceRecordSetsRecordTypes"
        values   = ["A", "AAAA"]
      }
    }
  }

  statement {
    sid = "Logs"
    actions = [
      "logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteMetricFilter", "logs:DeleteRetentionPolicy",
      "logs:PutMetricFilter", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
    ]
    resources = local.named[each.key].logs
  }

  # The gateway's access log is a delivery of the account, without a name of its own.
  #tfsec:ignore:aws-iam-no-policy-wildcards
  statement {
    sid = "AccessLogDelivery"
    actions = [
      "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeResourcePolicies", "logs:GetLogDelivery",
      "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
    ]
    resources = ["*"]
  }

  statement {
    sid = "Alarms"
    actions = [
      "cloudwatch:DeleteAlarms", "cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard", "cloudwatch:PutMetricAlarm",
      "cloudwatch:SetAlarmState", "cloudwatch:TagResource", "cloudwatch:UntagResource",
      "events:DeleteRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets", "events:TagResource", "events:UntagResource",
      "sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource", "sns:Unsubscribe", "sns:UntagResource",
    ]
    resources = [local.named[each.key].alarms, local.named[each.key].board, local.named[each.key].rules, local.named[each.key].topics]
  }

  # CloudWatch takes this permission for all alarms or not at all.
  #tfsec:ignore:aws-iam-no-policy-wildcards
  statement {
    sid       = "CompositeAlarms"
    actions   = ["cloudwatch:PutCompositeAlarm"]
    resources = ["*"]
  }
}
