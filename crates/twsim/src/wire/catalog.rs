//! One table for the mixture of dialects: every message of the API, in both directions, with the server
//! version from which it travels as protobuf. Between 201 and 212 a session speaks both at once, message by
//! message; before 201 all is text, from 213 on all is protobuf. Taken from IBKR's own Python client 10.46.1.

/// First version whose frames start with a four-byte message id, text bodies included.
pub(crate) const BINARY_ID: i32 = 201;

/// Where a request carries its request id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReqIdAt {
    /// Nowhere.
    Nowhere,
    /// Field 1 in protobuf, this field (counted from 0, after the message id) in text.
    Field(usize),
}

/// A request of the API.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) id: i32,
    pub(super) name: &'static str,
    pub(super) protobuf_from: i32,
    pub(super) req_id: ReqIdAt,
}

/// The request with this message id.
pub(super) fn request(id: i32) -> Option<&'static Known> {
    REQUESTS.iter().find(|known| known.id == id)
}

/// True when the gateway writes this message as protobuf at this version.
pub(super) fn reply_is_protobuf(id: i32, version: i32) -> bool {
    let from = REPLIES.iter().find(|(ids, _)| ids.contains(&id)).map_or(ALL, |(_, from)| *from);
    version >= from
}

/// From here on there is no text left.
const ALL: i32 = 213;

/// Replies by the version that turned them, as the requests they belong to.
const REPLIES: &[(&[i32], i32)] = &[
    (&[11, 55], 201),
    (&[3, 4, 5, 53], 203),
    (&[100, 101, 102], 204),
    (&[10, 18, 52], 205),
    (&[1, 2, 12, 13, 21, 45, 46, 57, 58, 81], 206),
    (&[6, 7, 8, 15, 54, 61, 62, 63, 64, 71, 72, 73, 74], 207),
    (&[17, 50, 88, 89, 90, 96, 97, 98, 99, 108], 208),
    (&[14, 83, 84, 85, 86, 87, 104, 105], 209),
    (&[19, 20, 51, 94, 95], 210),
    (&[16, 59, 91, 92, 103, 106], 211),
    (&[75, 76, 77, 78, 79, 82, 93, 107], 212),
    (&[9, 49, 65, 66, 67, 68, 80, 109], ALL),
];

/// The callback that a message to a client becomes; empty for messages that this gateway does not write.
pub(super) fn reply_name(id: i32) -> &'static str {
    REPLY_NAMES.iter().find(|(known, _)| *known == id).map_or("", |(_, name)| name)
}

const REPLY_NAMES: &[(i32, &str)] = &[
    (1, "tickPrice"),
    (2, "tickSize"),
    (3, "orderStatus"),
    (4, "error"),
    (5, "openOrder"),
    (6, "updateAccountValue"),
    (7, "updatePortfolio"),
    (8, "updateAccountTime"),
    (9, "nextValidId"),
    (10, "contractDetails"),
    (11, "execDetails"),
    (12, "updateMktDepth"),
    (13, "updateMktDepthL2"),
    (14, "updateNewsBulletin"),
    (15, "managedAccounts"),
    (16, "receiveFA"),
    (17, "historicalData"),
    (18, "bondContractDetails"),
    (19, "scannerParameters"),
    (20, "scannerData"),
    (21, "tickOptionComputation"),
    (45, "tickGeneric"),
    (46, "tickString"),
    (49, "currentTime"),
    (50, "realtimeBar"),
    (51, "fundamentalData"),
    (52, "contractDetailsEnd"),
    (53, "openOrderEnd"),
    (54, "accountDownloadEnd"),
    (55, "execDetailsEnd"),
    (57, "tickSnapshotEnd"),
    (58, "marketDataType"),
    (59, "commissionAndFeesReport"),
    (61, "position"),
    (62, "positionEnd"),
    (63, "accountSummary"),
    (64, "accountSummaryEnd"),
    (71, "positionMulti"),
    (72, "positionMultiEnd"),
    (73, "accountUpdateMulti"),
    (74, "accountUpdateMultiEnd"),
    (75, "securityDefinitionOptionParameter"),
    (76, "securityDefinitionOptionParameterEnd"),
    (77, "softDollarTiers"),
    (78, "familyCodes"),
    (79, "symbolSamples"),
    (80, "mktDepthExchanges"),
    (81, "tickReqParams"),
    (85, "newsProviders"),
    (88, "headTimestamp"),
    (90, "historicalDataUpdate"),
    (93, "marketRule"),
    (94, "pnl"),
    (95, "pnlSingle"),
    (100, "orderBound"),
    (101, "completedOrder"),
    (102, "completedOrdersEnd"),
    (107, "userInfo"),
    (108, "historicalDataEnd"),
    (109, "currentTimeInMillis"),
];

const fn known(id: i32, name: &'static str, protobuf_from: i32, req_id: ReqIdAt) -> Known {
    Known { id, name, protobuf_from, req_id }
}

const NONE: ReqIdAt = ReqIdAt::Nowhere;
/// Right after the message id.
const FIRST: ReqIdAt = ReqIdAt::Field(0);
/// After a message version, which older messages have.
const SECOND: ReqIdAt = ReqIdAt::Field(1);

const REQUESTS: &[Known] = &[
    known(1, "reqMktData", 206, SECOND),
    known(2, "cancelMktData", 206, SECOND),
    known(3, "placeOrder", 203, NONE),
    known(4, "cancelOrder", 203, NONE),
    known(5, "reqOpenOrders", 204, NONE),
    known(6, "reqAccountUpdates", 207, NONE),
    known(7, "reqExecutions", 201, SECOND),
    known(8, "reqIds", ALL, NONE),
    known(9, "reqContractDetails", 205, SECOND),
    known(10, "reqMktDepth", 206, SECOND),
    known(11, "cancelMktDepth", 206, SECOND),
    known(12, "reqNewsBulletins", 209, NONE),
    known(13, "cancelNewsBulletins", 209, NONE),
    known(14, "setServerLogLevel", ALL, NONE),
    known(15, "reqAutoOpenOrders", 204, NONE),
    known(16, "reqAllOpenOrders", 204, NONE),
    known(17, "reqManagedAccts", 207, NONE),
    known(18, "requestFA", 211, NONE),
    known(19, "replaceFA", 211, ReqIdAt::Field(3)),
    known(20, "reqHistoricalData", 208, FIRST),
    known(21, "exerciseOptions", 211, SECOND),
    known(22, "reqScannerSubscription", 210, FIRST),
    known(23, "cancelScannerSubscription", 210, SECOND),
    known(24, "reqScannerParameters", 210, NONE),
    known(25, "cancelHistoricalData", 208, SECOND),
    known(49, "reqCurrentTime", ALL, NONE),
    known(50, "reqRealTimeBars", 208, SECOND),
    known(51, "cancelRealTimeBars", 208, SECOND),
    known(52, "reqFundamentalData", 210, SECOND),
    known(53, "cancelFundamentalData", 210, SECOND),
    known(54, "calculateImpliedVolatility", 211, SECOND),
    known(55, "calculateOptionPrice", 211, SECOND),
    known(56, "cancelCalculateImpliedVolatility", 211, SECOND),
    known(57, "cancelCalculateOptionPrice", 211, SECOND),
    known(58, "reqGlobalCancel", 203, NONE),
    known(59, "reqMarketDataType", 206, NONE),
    known(61, "reqPositions", 207, NONE),
    known(62, "reqAccountSummary", 207, SECOND),
    known(63, "cancelAccountSummary", 207, SECOND),
    known(64, "cancelPositions", 207, NONE),
    known(65, "verifyRequest", ALL, NONE),
    known(66, "verifyMessage", ALL, NONE),
    known(67, "queryDisplayGroups", ALL, SECOND),
    known(68, "subscribeToGroupEvents", ALL, SECOND),
    known(69, "updateDisplayGroup", ALL, SECOND),
    known(70, "unsubscribeFromGroupEvents", ALL, SECOND),
    known(71, "startApi", ALL, NONE),
    known(72, "verifyAndAuthRequest", ALL, NONE),
    known(73, "verifyAndAuthMessage", ALL, NONE),
    known(74, "reqPositionsMulti", 207, SECOND),
    known(75, "cancelPositionsMulti", 207, SECOND),
    known(76, "reqAccountUpdatesMulti", 207, SECOND),
    known(77, "cancelAccountUpdatesMulti", 207, SECOND),
    known(78, "reqSecDefOptParams", 212, FIRST),
    known(79, "reqSoftDollarTiers", 212, FIRST),
    known(80, "reqFamilyCodes", 212, NONE),
    known(81, "reqMatchingSymbols", 212, FIRST),
    known(82, "reqMktDepthExchanges", ALL, NONE),
    known(83, "reqSmartComponents", 212, FIRST),
    known(84, "reqNewsArticle", 209, FIRST),
    known(85, "reqNewsProviders", 209, NONE),
    known(86, "reqHistoricalNews", 209, FIRST),
    known(87, "reqHeadTimestamp", 208, FIRST),
    known(88, "reqHistogramData", 208, FIRST),
    known(89, "cancelHistogramData", 208, FIRST),
    known(90, "cancelHeadTimestamp", 208, FIRST),
    known(91, "reqMarketRule", 212, NONE),
    known(92, "reqPnL", 210, FIRST),
    known(93, "cancelPnL", 210, FIRST),
    known(94, "reqPnLSingle", 210, FIRST),
    known(95, "cancelPnLSingle", 210, FIRST),
    known(96, "reqHistoricalTicks", 208, FIRST),
    known(97, "reqTickByTickData", 208, FIRST),
    known(98, "cancelTickByTickData", 208, FIRST),
    known(99, "reqCompletedOrders", 204, NONE),
    known(100, "reqWshMetaData", 209, FIRST),
    known(101, "cancelWshMetaData", 209, FIRST),
    known(102, "reqWshEventData", 209, FIRST),
    known(103, "cancelWshEventData", 209, FIRST),
    known(104, "reqUserInfo", 212, FIRST),
    known(105, "reqCurrentTimeInMillis", ALL, NONE),
    known(106, "cancelContractData", ALL, FIRST),
    known(107, "cancelHistoricalTicks", ALL, FIRST),
    known(108, "reqConfig", ALL, FIRST),
    known(109, "updateConfig", ALL, FIRST),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixture_turns_message_by_message() {
        assert_eq!(request(7).map(|it| it.protobuf_from), Some(201));
        assert_eq!(request(3).map(|it| it.protobuf_from), Some(203));
        assert!(reply_is_protobuf(11, 201) && !reply_is_protobuf(5, 202));
        assert!(reply_is_protobuf(5, 203) && !reply_is_protobuf(59, 210));
        assert!(reply_is_protobuf(9, 213) && !reply_is_protobuf(9, 212));
    }

    #[test]
    fn no_message_is_listed_twice() {
        let mut replies: Vec<i32> = REPLIES.iter().flat_map(|(ids, _)| ids.iter().copied()).collect();
        let mut requests: Vec<i32> = REQUESTS.iter().map(|known| known.id).collect();
        for ids in [&mut replies, &mut requests] {
            let count = ids.len();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), count);
        }
    }
}
