//! The whole as its users meet it. The library is what the test files share; it holds no test and nothing of the product.
