module Admin
  class ReturnsController < BaseController
    def index
      @returns = Return.order(state: :asc, id: :desc).limit(100)
    end

    def approve
      returned = ReturnApproval.new(Return.find(params[:id])).call
      redirect_to admin_returns_path, notice: "#{helpers.money(returned.refund_amount)} refunded"
    rescue ReturnApproval::Failed => e
      redirect_to admin_returns_path, alert: e.message
    end
  end
end
