// A shopping cart.
class Cart {
  constructor() {
    this.items = [];
  }

  add(item) {
    this.items.push(item);
  }

  // The sum of all prices.
  total() {
