# Every HTML page.
class ApplicationController < ActionController::Base
  include Authentication
  include CurrentCart

  protect_from_forgery with: :exception

  rescue_from ActiveRecord::RecordNotFound, with: :not_found

  private

  def require_user
    return if current_user

    redirect_to login_path, alert: "Please log in first"
  end

  def not_found
    render "errors/not_found", status: :not_found, formats: :html
  end
end
