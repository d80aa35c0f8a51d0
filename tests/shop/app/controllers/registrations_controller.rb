class RegistrationsController < ApplicationController
  def new
    @user = User.new
  end

  def create
    @user = User.new(params.require(:user).permit(:name, :email, :password, :password_confirmation))
    return render :new, status: :unprocessable_entity unless @user.save

    WelcomeMailer.welcome(@user).deliver_later
    sign_in(@user)
    redirect_to root_path, notice: "Welcome, #{@user.name}"
  end
end
