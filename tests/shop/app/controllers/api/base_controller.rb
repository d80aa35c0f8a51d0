# The JSON API. It shares the pages' session cookie, so unsafe calls need the X-CSRF-Token of GET /api/session.
module Api
  class BaseController < ActionController::Base
    include Authentication
    include CurrentCart

    content_security_policy false # first: a refused token is answered without one too
    protect_from_forgery with: :exception

    rescue_from ActionController::InvalidAuthenticityToken do
      render_error "Invalid authenticity token", :unprocessable_entity
    end
    rescue_from ActiveRecord::RecordNotFound do |e|
      render_error "#{e.model || 'Record'} not found", :not_found
    end

    private

    def require_user
      render_error "Please log in first", :unauthorized unless current_user
    end

    def render_error(message, status)
      render json: { error: message }, status: status
    end

    def render_cart(status: :ok)
      render json: CartSerializer.new(current_cart).as_json, status: status
    end
  end
end
