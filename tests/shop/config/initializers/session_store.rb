# As the shop has always been, unless a test wants it otherwise: the README tells of the switches.
dispatch = Rails.application.config.action_dispatch
serializer = ENV.fetch("SHOP_COOKIES_SERIALIZER", "json")
dispatch.cookies_serializer = serializer.to_sym unless serializer == "unset"
dispatch.use_authenticated_cookie_encryption = ENV.fetch("SHOP_COOKIES_ENCRYPTION", "gcm") == "gcm"
dispatch.use_cookies_with_metadata = ENV.fetch("SHOP_COOKIES_METADATA", "on") == "on"

if ENV["SHOP_SESSION_STORE"] == "cache"
  cache = ActiveSupport::Cache::RedisCacheStore.new(url: ENV.fetch("REDIS_URL"), namespace: "sessions", expires_in: 1.day)
  Rails.application.config.session_store :cache_store, key: "_shop_session", cache: cache
else
  Rails.application.config.session_store :cookie_store, key: "_shop_session"
end
