// Tables of the checkpoint file and the checksum that each row carries in its last column `sum`,
// so that a flipped bit anywhere is found when the row is read. docs/checkpoint-format.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/checkpoint/checkpoint.h"
#include "broker/checkpoint/sql.h"
#include "broker/core/rows.h"

namespace tandemq::broker::checkpoint {

constexpr std::uint16_t kFirstFormat = 1;
constexpr std::uint32_t kApplicationId = 0x544d5143;  // "TMQC", PRAGMA application_id

// A message as it is stored: `refs` deliveries and retained topics name it by `lsn`.
struct MessageRow {
  Lsn lsn = 0;  // of the `published` record that brought it
  std::uint64_t refs = 0;
  core::MessageFields fields;
};

// The one row of `meta`.
struct Head {
  core::MetaRow meta;
  CheckpointRows rows;
  std::string pair_id;
  std::uint16_t format = kFirstFormat;
};

// Creates tables in an empty file, or checks that the file is ours and can be read by us.
void create_tables(sql::Database& db, const std::string& pair_id);
void check_format(sql::Database& db);
// To the newest format, which has room for users and roles; in a transaction.
void raise_format(sql::Database& db, Head& head);

void write_head(sql::Database& db, const Head& head);
Head read_head(sql::Database& db);
// check_format, read_head, and whether the file is of this pair.
Head check_head(sql::Database& db, const std::string& pair_id);

// Of the file and its write-ahead log.
std::uint64_t file_bytes(const std::string& path);

// Reads all rows, in the order of State::each_row, and checks them. `visitor` and `progress` may
// be null.
Result<CheckpointInfo> checkpoint_read(
    const CheckpointConfig& config, sql::Mode mode, core::RowVisitor* visitor,
    const std::function<void(const CheckpointProgress&)>* progress);

// Checksums; equal on write and on load.
std::uint64_t sum_of(const core::SessionRow& row);
std::uint64_t sum_of(const core::SubscriptionRow& row);
std::uint64_t sum_of(const MessageRow& row);  // without refs, which change alone
// `message` is the LSN of the delivery's message, 0 when there is none any more.
std::uint64_t sum_of(const core::DeliveryRow& row, Lsn message);
std::uint64_t sum_of(const core::InboundRow& row);
std::uint64_t sum_of_retained(std::string_view topic, Lsn message);
std::uint64_t sum_of_will(core::SessionId session, const core::WillRecord& will);

std::uint64_t sum_of(const core::AccountFields& row);

// Lines of an account as a blob: a length, u16 little-endian, and the text of each.
std::string pack_lines(const std::vector<std::string_view>& lines);
std::vector<std::string_view> unpack_lines(std::string_view blob);

// Subscription identifiers of a delivery as a blob: u32 each, little-endian.
std::string pack_ids(const std::vector<std::uint32_t>& ids);
std::vector<std::uint32_t> unpack_ids(std::string_view blob);

}  // namespace tandemq::broker::checkpoint
