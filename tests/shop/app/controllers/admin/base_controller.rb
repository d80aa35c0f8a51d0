module Admin
  class BaseController < ApplicationController
    before_action :require_admin

    private

    # Pages of the back office do not exist for customers.
    def require_admin
      not_found unless current_user&.admin?
    end
  end
end
