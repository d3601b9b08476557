mock_provider "aws" {
  source = "../testing"
}

variables {
  name       = "rifaapp-test"
  account_id = "123456789012"
  zones      = ["us-east-1a", "us-east-1b"]
}

run "closed_by_default" {
  command = plan

  assert {
    condition     = { for zone, s in aws_subnet.private : zone => s.cidr_block } == { us-east-1a = "10.40.0.0/24", us-east-1b = "10.40.1.0/24" }
    error_message = "There must be one private subnet in each zone, each a sixteenth of the range."
  }

  assert {
    condition     = !anytrue([for s in aws_subnet.private : s.map_public_ip_on_launch])
    error_message = "No subnet may hand out public addresses."
  }

  assert {
    condition = length(concat(
      aws_nat_gateway.this, aws_internet_gateway.this, aws_subnet.public, aws_route.private_to_nat,
      aws_vpc_security_group_egress_rule.functions_to_internet,
    )) == 0
    error_message = "Nothing may lead to the internet unless nat_gateway asks for it."
  }

  assert {
    condition     = aws_vpc.this.enable_dns_support && aws_vpc.this.enable_dns_hostnames
    error_message = "Endpoints are found by their private names, which need both DNS settings."
  }

  assert {
    condition     = keys(aws_vpc_endpoint.interface) == ["secretsmanager"] && aws_vpc_endpoint.interface["secretsmanager"].private_dns_enabled
    error_message = "Secrets Manager is the one endpoint a private function needs."
  }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_cloudwatch_log_group.flow[0].retention_in_days == 30 && aws_flow_log.rejected[0].traffic_type == "REJECT"
    error_message = "The key must rotate, and rejected traffic must be logged for a known time."
  }

  assert {
    condition = toset(flatten([for s in data.aws_iam_policy_document.flow_write[0].statement : tolist(s.actions)])) == toset([
      "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents",
    ])
    error_message = "The flow log's role must be allowed what its delivery needs."
  }
}

# Applied, because only then do the groups have the ids by which they name each other.
run "groups_name_each_other" {
  override_resource {
    target = aws_security_group.functions
    values = { id = "sg-functions" }
  }

  override_resource {
    target = aws_security_group.database
    values = { id = "sg-database" }
  }

  override_resource {
    target = aws_security_group.endpoints
    values = { id = "sg-endpoints" }
  }

  assert {
    condition = alltrue([
      for rule in [aws_vpc_security_group_ingress_rule.database_from_functions, aws_vpc_security_group_egress_rule.functions_to_database] : rule.cidr_ipv4 == null && rule.cidr_ipv6 == null && rule.from_port == 5432 && rule.to_port == 5432
    ])
    error_message = "The database's rules must name groups, never addresses, and PostgreSQL's port only."
  }

  assert {
    condition = (aws_vpc_security_group_ingress_rule.database_from_functions.security_group_id == "sg-database"
      && aws_vpc_security_group_ingress_rule.database_from_functions.referenced_security_group_id == "sg-functions"
      && aws_vpc_security_group_egress_rule.functions_to_database.security_group_id == "sg-functions"
    && aws_vpc_security_group_egress_rule.functions_to_database.referenced_security_group_id == "sg-database")
    error_message = "Functions go out to the database, and the database lets functions in."
  }

  assert {
    condition = (aws_vpc_security_group_egress_rule.functions_to_endpoints.referenced_security_group_id == "sg-endpoints"
      && aws_vpc_security_group_ingress_rule.endpoints_from_functions.referenced_security_group_id == "sg-functions"
    && aws_vpc_security_group_ingress_rule.endpoints_from_functions.from_port == 443)
    error_message = "Functions reach the endpoints by HTTPS, and nobody else does."
  }

  assert {
    condition     = output.functions_security_group_id == "sg-functions" && output.database_security_group_id == "sg-database" && length(output.private_subnet_ids) == 2
    error_message = "The outputs must hand on the groups and the private subnets."
  }
}

run "way_out_on_request" {
  command = plan

  variables {
    zones       = ["us-east-1a", "us-east-1b", "us-east-1c"]
    nat_gateway = true
    flow_logs   = false
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && aws_subnet.public[0].cidr_block == "10.40.15.0/24" && length(aws_subnet.private) == 3
    error_message = "One NAT gateway stands in a public subnet of its own, beside three private ones."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.functions_to_internet[0].from_port == 443 && aws_vpc_security_group_egress_rule.functions_to_internet[0].to_port == 443
    error_message = "Only HTTPS may leave."
  }

  assert {
    condition     = length(aws_flow_log.rejected) == 0
    error_message = "flow_logs = false must make none."
  }
}

run "refuses_what_is_no_name_or_place" {
  command = plan

  variables {
    name                     = "Rifa App"
    account_id               = "12345"
    cidr                     = "10.40.0.0/28"
    zones                    = ["us-east-1a", "us-east-1a"]
    interface_endpoints      = ["No Such Service"]
    database_port            = 80
    log_retention_days       = 8
    permissions_boundary_arn = "rifaapp-boundary"
  }

  expect_failures = [
    var.name, var.account_id, var.cidr, var.zones, var.interface_endpoints, var.database_port, var.log_retention_days,
    var.permissions_boundary_arn,
  ]
}

run "refuses_public_addresses_and_endpoints_without_a_zone" {
  command = plan

  variables {
    cidr           = "8.8.0.0/20"
    endpoint_zones = 3
  }

  expect_failures = [var.cidr, var.endpoint_zones]
}
