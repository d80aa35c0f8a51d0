class NotificationsController < ApplicationController
  before_action :require_user

  def index
    @notifications = current_user.notifications.newest_first
  end

  def read
    current_user.notifications.find(params[:id]).read!
    redirect_to notifications_path
  end
end
