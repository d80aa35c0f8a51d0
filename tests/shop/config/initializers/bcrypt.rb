# Load tests sign up by the hundred; a cost of 12 would make them a test of bcrypt.
BCrypt::Engine.cost = Integer(ENV.fetch("SHOP_BCRYPT_COST", BCrypt::Engine::DEFAULT_COST))
