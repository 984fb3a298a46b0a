//! The text dialect, server versions 157 to 212: NUL-terminated fields whose number and order depend on the
//! version. It reads and writes the same messages as the protobuf dialect ([`layout`](super::layout)).

mod account_replies;
mod bars;
mod contract;
mod fields;
mod order_fields;
mod order_replies;
mod place;
mod replies;
mod requests;
mod writer;

pub use fields::FieldProblem;

pub(super) use replies::encode;
pub(super) use requests::decode;

/// Server versions at which fields came or went.
mod since {
    pub(super) const DURATION: i32 = 158;
    pub(super) const POST_TO_ATS: i32 = 160;
    pub(super) const AUTO_CANCEL_PARENT: i32 = 162;
    pub(super) const FRACTIONAL_SIZES: i32 = 163;
    pub(super) const SIZE_RULES: i32 = 164;
    pub(super) const ADVANCED_REJECT: i32 = 166;
    pub(super) const MANUAL_ORDER_TIME: i32 = 169;
    pub(super) const PEG_OFFSETS: i32 = 170;
    pub(super) const ISSUER_ID: i32 = 176;
    pub(super) const NO_FA_PROFILE: i32 = 177;
    pub(super) const PENDING_PRICE_REVISION: i32 = 178;
    pub(super) const LAST_TRADE_DATE: i32 = 182;
    pub(super) const CUSTOMER_ACCOUNT: i32 = 183;
    pub(super) const PROFESSIONAL_CUSTOMER: i32 = 184;
    pub(super) const BOND_ACCRUED_INTEREST: i32 = 185;
    pub(super) const INELIGIBILITY_REASONS: i32 = 186;
    pub(super) const RFQ_FIELDS: i32 = 187;
    pub(super) const INCLUDE_OVERNIGHT: i32 = 189;
    pub(super) const UNDO_RFQ_FIELDS: i32 = 190;
    pub(super) const CME_TAGGING: i32 = 192;
    pub(super) const CME_TAGGING_ECHOED: i32 = 193;
    pub(super) const ERROR_TIME: i32 = 194;
    pub(super) const FULL_PREVIEW: i32 = 195;
    pub(super) const HISTORICAL_DATA_END: i32 = 196;
    pub(super) const SUBMITTER: i32 = 198;
    pub(super) const IMBALANCE_ONLY: i32 = 199;
    pub(super) const DAYS_OF_EXECUTIONS: i32 = 200;
}
