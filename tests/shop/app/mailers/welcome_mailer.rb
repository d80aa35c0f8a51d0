class WelcomeMailer < ActionMailer::Base
  default from: "shop@shop.test"

  def welcome(user)
    @user = user
    mail to: user.email, subject: "Welcome, #{user.name}"
  end
end
