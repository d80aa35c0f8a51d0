# Sidekiq 6.4 does not look at SADD's answer; redis-rb 4.8 would warn about it on every push.
Redis.sadd_returns_boolean = false
