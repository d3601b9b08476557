data "aws_region" "current" {}

data "aws_partition" "current" {}

locals {
  region    = data.aws_region.current.name
  partition = data.aws_partition.current.partition
  issuer    = "token.actions.githubusercontent.com"
  path      = "/github/" # apart from the roles of the environments, so that no name can let a role change itself

  oidc_provider_arn = "arn:${local.partition}:iam::${var.account_id}:oidc-provider/${local.issuer}"
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.create_oidc_provider ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

# Who may take a role is decided by three claims of GitHub's token together: the audience, the repository by its number,
# and the environment, whose approval rules live at GitHub. The subject repeats the last two, since AWS insists on a
# condition on it: by names alone, or, from repositories made, renamed or transferred since July 2026, by names and
# numbers. The owner's number is left open; no name can hold an "@".
data "aws_iam_policy_document" "trust" {
  for_each = toset(flatten([for e in var.environments : [e, "${e}-plan"]]))

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.oidc_provider_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:repository_id"
      values   = [var.github.repository_id]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:environment"
      values   = [each.key]
    }

    condition {
      test     = "StringLike"
      variable = "${local.issuer}:sub"
      values = [
        "repo:${var.github.repository}:environment:${each.key}",
        "repo:${replace(var.github.repository, "/", "@*/")}@${var.github.repository_id}:environment:${each.key}",
      ]
    }
  }
}

resource "aws_iam_role" "deploy" {
  for_each = var.environments

  name                 = "${var.prefix}-deploy-${each.key}"
  path                 = local.path
  description          = "GitHub Actions deploys ${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  max_session_duration = 7200

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role" "plan" {
  for_each = var.environments

  name                 = "${var.prefix}-plan-${each.key}"
  path                 = local.path
  description          = "GitHub Actions plans ${each.key} and looks for drift; changes nothing"
  assume_role_policy   = data.aws_iam_policy_document.trust["${each.key}-plan"].json
  max_session_duration = 3600

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_policy" "read" {
  for_each = var.environments

  name        = "${var.prefix}-read-${each.key}"
  description = "See everything a plan of ${each.key} compares"
  policy      = data.aws_iam_policy_document.read[each.key].json
}

resource "aws_iam_policy" "network" {
  for_each = var.environments

  name        = "${var.prefix}-write-network-${each.key}"
  description = "Change the network and the key of ${each.key}"
  policy      = data.aws_iam_policy_document.network[each.key].json
}

resource "aws_iam_policy" "services" {
  for_each = var.environments

  name        = "${var.prefix}-write-services-${each.key}"
  description = "Change functions, gateway, logs and alarms of ${each.key}"
  policy      = data.aws_iam_policy_document.services[each.key].json
}

resource "aws_iam_policy" "data" {
  for_each = var.environments

  name        = "${var.prefix}-write-data-${each.key}"
  description = "Change database, secrets and roles of ${each.key}"
  policy      = data.aws_iam_policy_document.data[each.key].json
}

resource "aws_iam_policy" "state" {
  for_each = var.environments

  name        = "${var.prefix}-state-${each.key}"
  description = "Read, lock and write the state of ${each.key}"
  policy      = data.aws_iam_policy_document.state[each.key].json
}

resource "aws_iam_policy" "plan_state" {
  for_each = var.environments

  name        = "${var.prefix}-plan-state-${each.key}"
  description = "Read the state of ${each.key}"
  policy      = data.aws_iam_policy_document.plan_state[each.key].json
}

resource "aws_iam_role_policy_attachment" "deploy" {
  for_each = {
    for pair in setproduct(var.environments, ["read", "network", "services", "data", "state"]) : "${pair[0]}-${pair[1]}" => pair
  }

  role = aws_iam_role.deploy[each.value[0]].name
  policy_arn = {
    read     = aws_iam_policy.read[each.value[0]].arn
    network  = aws_iam_policy.network[each.value[0]].arn
    services = aws_iam_policy.services[each.value[0]].arn
    data     = aws_iam_policy.data[each.value[0]].arn
    state    = aws_iam_policy.state[each.value[0]].arn
  }[each.value[1]]
}

resource "aws_iam_role_policy_attachment" "plan" {
  for_each = { for pair in setproduct(var.environments, ["read", "plan-state"]) : "${pair[0]}-${pair[1]}" => pair }

  role       = aws_iam_role.plan[each.value[0]].name
  policy_arn = each.value[1] == "read" ? aws_iam_policy.read[each.value[0]].arn : aws_iam_policy.plan_state[each.value[0]].arn
}

# Every role an environment makes must carry its boundary: whoever can deploy still cannot make a role that does more, or
# that works for another environment.
resource "aws_iam_policy" "boundary" {
  for_each = var.environments

  name        = "${var.prefix}-boundary-${each.key}"
  description = "The most any role of ${each.key} may ever do"
  policy      = data.aws_iam_policy_document.boundary[each.key].json
}
