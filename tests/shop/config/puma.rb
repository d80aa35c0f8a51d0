threads_count = Integer(ENV.fetch("RAILS_MAX_THREADS", 5))
worker_count = Integer(ENV.fetch("WEB_CONCURRENCY", 0))

environment ENV.fetch("RAILS_ENV", "production")
bind ENV.fetch("SHOP_BIND", "tcp://127.0.0.1:3000")
threads threads_count, threads_count
workers worker_count
preload_app! if worker_count.positive?

# Who waits in the socket when a restart begins has been let in: a POST must not be lost.
drain_on_shutdown

# An order's event stream must not hold up a restart.
force_shutdown_after 1
