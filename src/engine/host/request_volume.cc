#include "engine/host/request_volume.h"

#include <algorithm>

#include "base/text.h"
#include "engine/host/limits.h"
#include "tape/medium/host_attributes.h"

namespace tapewarden::engine {
namespace {

using Records = std::vector<std::string>;

// Of what filemarks stand between.
std::optional<std::vector<Records>> files_of(tape::Cartridge& cartridge) {
  std::vector<Records> files(1);
  std::size_t bytes = 0;
  while (true) {
    const auto next = cartridge.next_block();
    if (!next || next->encryption != tape::BlockEncryption::kNotEncrypted) return std::nullopt;
    const auto record = cartridge.read_record();
    if (!record) return std::nullopt;
    if (record->kind == tape::BlockKind::kEndOfData) return files;
    if (record->kind == tape::BlockKind::kFilemark) {
      files.emplace_back();
      continue;
    }
    bytes += record->data.size();
    if (bytes > kMaximumRequestBytes) return std::nullopt;
    files.back().emplace_back(as_text(record->data));
  }
}

bool are_labels(const Records& records, std::string_view first, std::string_view group,
                std::string_view user) {
  const auto is_label = [&](const std::string& record) {
    return record.size() == kLabelBytes && is_printable(record) &&
           (record.starts_with(group) || record.starts_with(user) || record.starts_with("VOL"));
  };
  return !records.empty() && records.front().starts_with(first) && std::ranges::all_of(records, is_label);
}

bool are_empty(std::span<const Records> files) {
  return std::ranges::all_of(files, [](const Records& records) { return records.empty(); });
}

// Blocks of 80-character records go on one behind the other; others are lines.
std::string text_of(const Records& records) {
  const bool fixed = std::ranges::all_of(
      records, [](const std::string& record) { return record.size() % kLabelBytes == 0; });
  std::string text;
  for (const auto& record : records) text += record + (fixed ? "" : "\n");
  return text;
}

std::optional<RequestVolume> arranged(const std::vector<Records>& files) {
  const std::span<const Records> all(files);
  RequestVolume request;
  if (!files.front().empty() && are_empty(all.subspan(1))) {
    request.text = text_of(files.front());
    request.ended = files.size() > 1;
    return request;
  }
  constexpr std::size_t kLabelledFiles = 3;
  if (files.size() < kLabelledFiles || !are_empty(all.subspan(kLabelledFiles)) ||
      !are_labels(files[0], "VOL1", "HDR", "UHL") || !are_labels(files[2], "EOF1", "EOF", "UTL"))
    return std::nullopt;
  request.text = text_of(files[1]);
  request.ended = true;
  request.labels_before = files[0];
  request.labels_behind = files[2];
  return request;
}

void put_at(std::string& label, std::size_t at, std::string_view text) {
  label.replace(at, text.size(), text);
}

std::string digits(std::uint64_t number, std::size_t width) {
  auto text = std::to_string(number);
  if (text.size() > width) text = text.substr(text.size() - width);
  return std::string(width - text.size(), '0') + text;
}

// Positions by ANSI X3.27 and IBM's standard labels, from 0: HDR2 and EOF2 have record format, block length
// and record length behind their name; HDR1 and EOF1 the block count.
std::string told_in(std::string label, std::uint64_t blocks) {
  constexpr std::size_t kFormat = 4;
  constexpr std::size_t kLengths = 5;
  constexpr std::size_t kBlockCount = 54;
  if (label.starts_with("HDR2") || label.starts_with("EOF2")) {
    put_at(label, kFormat, "U");
    put_at(label, kLengths, digits(kAnswerRecordBytes, 5) + "00000");
  }
  if (label.starts_with("EOF1")) put_at(label, kBlockCount, digits(blocks, 6));
  return label;
}

class AnswerFile {
 public:
  AnswerFile(tape::Cartridge& cartridge, const RequestVolume& request)
      : cartridge_(cartridge), request_(request) {}

  Status put(const VolumeAnswers::Pieces& pieces) {
    TRY(put_labels(request_.labels_before));
    while (const auto piece = TRY(pieces())) {
      rest_ += *piece;
      while (rest_.size() > kAnswerRecordBytes) TRY(put_record(cut()));
    }
    if (!rest_.empty()) TRY(put_record(std::exchange(rest_, {})));
    TRY(cartridge_.write_filemarks(1));
    if (request_.labels_behind.empty()) return {};
    TRY(put_labels(request_.labels_behind));
    return cartridge_.write_filemarks(1);
  }

 private:
  Status put_labels(const Records& labels) {
    if (labels.empty()) return {};
    for (const auto& label : labels) TRY(cartridge_.write_record(as_bytes(told_in(label, records_))));
    return cartridge_.write_filemarks(1);
  }
  Status put_record(const std::string& text) {
    ++records_;
    return cartridge_.write_record(as_bytes(text));
  }
  // As many whole lines as a record takes.
  std::string cut() {
    const auto end = rest_.rfind('\n', kAnswerRecordBytes - 1);
    const auto size = end == std::string::npos ? kAnswerRecordBytes : end + 1;
    auto record = rest_.substr(0, size);
    rest_.erase(0, size);
    return record;
  }

  tape::Cartridge& cartridge_;
  const RequestVolume& request_;
  std::string rest_;
  std::uint64_t records_ = 0;
};

Status make_file(Env env, const std::string& path, const RequestVolume& request,
                 const VolumeAnswers::Pieces& pieces) {
  const auto cartridge = TRY(tape::Cartridge::create(env, path, request.spec));
  if (!request.attributes.empty()) TRY(cartridge->set_attributes(request.attributes));
  TRY(AnswerFile(*cartridge, request).put(pieces));
  return cartridge->unload();
}

VolumeAnswers::Pieces refusal(const Error& error) {
  const bool full = error.code == ErrorCode::kExhausted;
  const auto why = full ? std::string(
                              "the answer is larger than this volume: ask for a part of it, or on a "
                              "larger one")
                        : error.text();
  return [text = std::optional("TAPEWARDEN BULK VOLUME DATA, REFUSED\n" + why +
                               "\n")]() mutable -> Result<std::optional<std::string>> {
    return std::exchange(text, std::nullopt);
  };
}

}  // namespace

std::optional<RequestVolume> read_request(Env env, const std::string& path, const VolumeAnswers& answers) {
  const auto opened = tape::Cartridge::open(env, path, tape::CartridgeMode::kRead);
  if (!opened) return std::nullopt;
  auto& cartridge = **opened;
  const auto identity = cartridge.identity();
  if (identity.worm || identity.partitions != 1 || cartridge.lost_partition() ||
      cartridge.end_of_data().logical_object > kMaximumRequestObjects)
    return std::nullopt;
  const auto files = files_of(cartridge);
  if (!files) return std::nullopt;
  auto request = arranged(*files);
  if (!request || !answers.is_request(request->text)) return std::nullopt;
  request->spec = {.volume = identity.volume,
                   .volser = identity.volser,
                   .kind = identity.kind,
                   .density = identity.density,
                   .capacity_bytes = identity.capacity_bytes,
                   .management = identity.management,
                   .compression_level = identity.compression_level};
  for (const auto& [id, value] : cartridge.attributes())
    if (tape::is_host_attribute(id)) request->attributes.emplace(id, value);
  return request;
}

Status write_answer(Env env, const std::string& path, const RequestVolume& request, VolumeAnswers& answers,
                    const std::function<bool()>& go_on) {
  const VolumeAnswers::Pieces pieces = [&go_on, made = answers.answer(request.text)] {
    return go_on() ? made() : fail(ErrorCode::kUnavailable, "the engine ends");
  };
  const auto written = make_file(env, path, request, pieces);
  if (written) return written;
  if (env.disk->exists(path)) TRY(env.disk->remove(path));
  return go_on() ? make_file(env, path, request, refusal(written.error())) : written;
}

}  // namespace tapewarden::engine
