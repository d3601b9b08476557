# dev: as small as it gets, pauses when nobody uses it, can be destroyed at any time.
stack "rifaapp" {
  source = "../../stacks/environment"
  path   = "rifaapp"

  values = {
    environment        = "dev"
    account_id         = "000000000000" # yours; no other account is touched
    region             = "us-east-1"
    production         = false
    log_retention_days = 7

    network = {
      cidr           = "10.40.0.0/20"
      zones          = ["us-east-1a", "us-east-1b"]
      endpoint_zones = 1
    }

    database = {
      engine          = "aurora"
      capacity        = { min = 0, max = 2, pause_after_seconds = 900 }
      max_connections = 360
      reader_count    = 0
    }

    migrator = {
      memory_mb            = 256
      timeout_seconds      = 900
      reserved_concurrency = 1
      pool_size            = 2
      secret_recovery_days = 0
    }

    api = {
      memory_mb            = 512
      reserved_concurrency = 20
      secret_recovery_days = 0
      schedule             = "rate(6 hours)" # each call wakes a paused database; prod tidies up every minute
      environment          = { CORS_ALLOW_ORIGINS = "*", LOG_LEVEL = "debug" }
    }

    gateway = {
      throttle = { rate = 100, burst = 200 }
      cors     = { allow_origins = ["*"] }
    }

    observability = {
      alarm_emails = []
    }
  }
}
