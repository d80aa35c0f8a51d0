module Seeds
  # buyer1@shop.test … buyer500@shop.test and admin@shop.test, all with the password "correct horse".
  class People
    BUYERS = 500
    PASSWORD = "correct horse"
    SINCE = Time.utc(2023, 1, 9, 8)
    FIRST = %w[Ada Björn Chloé Dmitri Eszter Fatima Grzegorz Hanna İpek João Kaito Łucja Máire Noor Ömer Zoë].freeze
    LAST = %w[Almeida Brontë Čapek Dvořák Eriksson Fábián García Håkansson Ito Jensen Kovač Müller O'Neill Åkesson].freeze

    def initialize(random)
      @random = random
      @digest = BCrypt::Password.create(PASSWORD, cost: 4).to_s
    end

    def call
      buyers = (1..BUYERS).map { |n| user(n, "buyer#{n}@shop.test", "#{FIRST.sample(random: @random)} #{LAST.sample(random: @random)}") }
      User.insert_all([*buyers, user(BUYERS + 1, "admin@shop.test", "Ada Admin", admin: true)])
    end

    private

    def user(id, email, name, admin: false)
      joined = SINCE + id.hours
      { id: id, email: email, name: name, password_digest: @digest, admin: admin, created_at: joined, updated_at: joined }
    end
  end
end
