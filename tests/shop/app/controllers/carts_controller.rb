class CartsController < ApplicationController
  def show; end
end
