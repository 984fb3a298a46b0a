//! Names of the requests that are part of the API but not served here, so that the refusal can say which.

use bytes::Bytes;

use super::ReqId;
use crate::wire::Request;
use crate::wire::frame::FrameError;
use prost::Message;

/// A request nobody else claimed: named when the API has it, and refused under its own request id if it
/// carries one.
pub(super) fn unsupported(id: i32, body: &Bytes) -> Result<Request, FrameError> {
    let Some((_, name, has_req_id)) = NAMES.iter().find(|(known, _, _)| *known == id) else {
        return Ok(Request::Unknown { message_id: id });
    };
    let req_id = if *has_req_id {
        ReqId::decode(body.clone()).map_err(|source| FrameError::BadBody { message_id: id, source })?.req_id
    } else {
        None
    };
    Ok(Request::Unsupported { name, req_id })
}

const NAMES: &[(i32, &str, bool)] = &[
    (10, "reqMktDepth", true),
    (11, "cancelMktDepth", true),
    (12, "reqNewsBulletins", false),
    (13, "cancelNewsBulletins", false),
    (18, "requestFA", false),
    (19, "replaceFA", true),
    (20, "reqHistoricalData", true),
    (21, "exerciseOptions", true),
    (22, "reqScannerSubscription", true),
    (23, "cancelScannerSubscription", true),
    (24, "reqScannerParameters", false),
    (25, "cancelHistoricalData", true),
    (50, "reqRealTimeBars", true),
    (51, "cancelRealTimeBars", true),
    (54, "calculateImpliedVolatility", true),
    (55, "calculateOptionPrice", true),
    (56, "cancelCalculateImpliedVolatility", true),
    (57, "cancelCalculateOptionPrice", true),
    (65, "verifyRequest", false),
    (66, "verifyMessage", false),
    (67, "queryDisplayGroups", true),
    (68, "subscribeToGroupEvents", true),
    (69, "updateDisplayGroup", true),
    (70, "unsubscribeFromGroupEvents", true),
    (74, "reqPositionsMulti", true),
    (75, "cancelPositionsMulti", true),
    (76, "reqAccountUpdatesMulti", true),
    (77, "cancelAccountUpdatesMulti", true),
    (78, "reqSecDefOptParams", true),
    (79, "reqSoftDollarTiers", true),
    (80, "reqFamilyCodes", false),
    (82, "reqMktDepthExchanges", false),
    (83, "reqSmartComponents", true),
    (84, "reqNewsArticle", true),
    (85, "reqNewsProviders", false),
    (86, "reqHistoricalNews", true),
    (87, "reqHeadTimestamp", true),
    (88, "reqHistogramData", true),
    (89, "cancelHistogramData", true),
    (90, "cancelHeadTimestamp", true),
    (94, "reqPnLSingle", true),
    (95, "cancelPnLSingle", true),
    (96, "reqHistoricalTicks", true),
    (97, "reqTickByTickData", true),
    (98, "cancelTickByTickData", true),
    (100, "reqWshMetaData", true),
    (101, "cancelWshMetaData", true),
    (102, "reqWshEventData", true),
    (103, "cancelWshEventData", true),
    (104, "reqUserInfo", true),
    (107, "cancelHistoricalTicks", true),
    (108, "reqConfig", true),
    (109, "updateConfig", true),
];
