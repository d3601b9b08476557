# prod: always awake, a reader in a second zone that takes over, protected from deletion.
stack "rifaapp" {
  source = "../../stacks/environment"
  path   = "rifaapp"

  values = {
    environment        = "prod"
    account_id         = "000000000000" # yours, better not the account of dev; no other account is touched
    region             = "us-east-1"
    production         = true
    log_retention_days = 90

    network = {
      cidr           = "10.41.0.0/20"
      zones          = ["us-east-1a", "us-east-1b", "us-east-1c"]
      endpoint_zones = 2
    }

    database = {
      engine                = "aurora"
      capacity              = { min = 0.5, max = 8 }
      max_connections       = 1000
      reader_count          = 1
      backup_retention_days = 14
    }

    migrator = {
      memory_mb            = 256
      timeout_seconds      = 900
      reserved_concurrency = 1
      pool_size            = 2
      secret_recovery_days = 30
    }

    api = {
      memory_mb            = 1024
      reserved_concurrency = 400
      secret_recovery_days = 30
      schedule             = "rate(1 minute)"
      environment          = { CORS_ALLOW_ORIGINS = "*", LOG_LEVEL = "info" }
    }

    gateway = {
      throttle = { rate = 1000, burst = 2000 }
      cors     = { allow_origins = ["*"] }
    }

    observability = {
      alarm_emails = []
    }
  }
}
