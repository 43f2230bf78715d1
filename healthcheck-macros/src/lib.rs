//! x
use proc_macro::TokenStream;
/// x
#[proc_macro_attribute]
pub fn health_check(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}
/// x
#[proc_macro_attribute]
pub fn env_section(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}
