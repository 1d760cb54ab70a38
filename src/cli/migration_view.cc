#include "cli/migration_view.h"

#include <algorithm>
#include <array>

#include "base/counted.h"
#include "base/text.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

std::string text_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return escape_unprintable(std::string(value->get_string()));
}

std::uint64_t number_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return 0;
  json::error_code failed;
  const auto number = value->to_number<std::uint64_t>(failed);
  return failed ? 0 : number;
}

bool flag_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

template <typename Each>
void each_in(const json::object& object, std::string_view name, const Each& each) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_array()) return;
  for (const auto& item : value->get_array())
    if (item.is_object()) each(item.get_object());
}

// "pool 1 to pool 2", "pool 2 to other keys"
std::string way_of(const json::object& object) {
  const auto source = number_in(object, "source");
  const auto target = number_in(object, "target");
  const std::string from = "pool " + std::to_string(source);
  return source == target ? from + " to other keys" : from + " to pool " + std::to_string(target);
}

std::string keys_of(const json::object& object) {
  const std::string encryption = text_in(object, "encryption");
  if (encryption == "wrapped") return "labels " + text_in(object, "labels");
  if (encryption == "identified") return "key group " + text_in(object, "key_group");
  return "no encryption";
}

std::string amount_of(std::uint64_t cartridges, std::uint64_t volumes, std::uint64_t bytes) {
  return counted(cartridges, "cartridge") + ", " + counted(volumes, "volume") + ", " + bytes_text(bytes);
}

void add_settings(const json::object& plan, std::string& out) {
  if (flag_in(plan, "changes_keys")) out += "changes:  the pool's keys\n";
  each_in(plan, "settings", [&](const json::object& setting) {
    out += "changes:  " + text_in(setting, "setting") + " " + text_in(setting, "name") + ": " +
           text_in(setting, "before") + " -> " + text_in(setting, "after") + "\n";
  });
}

void add_work(const json::object& plan, std::string& out) {
  out += "moves:    " +
         amount_of(number_in(plan, "cartridges"), number_in(plan, "volumes"), number_in(plan, "bytes"));
  if (const auto partly = number_in(plan, "partly_filled"); partly > 0)
    out += "; " + std::to_string(partly) + " of them partly filled";
  out += "\n";
  if (const auto due = number_in(plan, "due_copies"); due > 0)
    out += "first:    " + std::to_string(due) + (due == 1 ? " copy" : " copies") +
           " in the cache, due for the old pool, " + bytes_text(number_in(plan, "due_bytes")) + "\n";
  out += "mounts:   " + std::to_string(number_in(plan, "source_mounts")) + " to read, " +
         std::to_string(number_in(plan, "target_mounts")) + " to write\n";
  out += "scratch:  " + std::to_string(number_in(plan, "scratch_needed")) + " needed, " +
         std::to_string(number_in(plan, "scratch_there")) + " there, " +
         std::to_string(number_in(plan, "scratch_returning")) + " come back when they are emptied; " +
         bytes_text(number_in(plan, "cartridge_bytes")) + " each" +
         (flag_in(plan, "cartridge_bytes_measured") ? ", as those were that are full\n" : "\n");
  out += "takes:    about " + duration_text(number_in(plan, "seconds")) + " with " +
         counted(number_in(plan, "drives"), "drive") + " at " +
         bytes_text(number_in(plan, "drive_bytes_per_second")) + "/s and " +
         std::to_string(number_in(plan, "mount_seconds")) + " s a mount\n";
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 6> kUnits{"B", "KB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  std::uint64_t size = 1;  // of the unit, in bytes
  while (bytes / size >= 1000 && unit + 1 < kUnits.size()) {
    size *= 1000;
    ++unit;
  }
  std::string out = std::to_string(bytes / size);
  if (unit > 0 && bytes / size < 100) out += "." + std::to_string(bytes / (size / 10) % 10);
  return out + " " + std::string(kUnits.at(unit));
}

std::string duration_text(std::uint64_t seconds) {
  const std::uint64_t minutes = std::max<std::uint64_t>(1, (seconds + 59) / 60);
  const std::uint64_t hours = minutes / 60;
  if (hours == 0) return std::to_string(minutes) + " min";
  if (hours < 24) return std::to_string(hours) + " h " + std::to_string(minutes % 60) + " min";
  return std::to_string(hours / 24) + " d " + std::to_string(hours % 24) + " h";
}

std::string progress_bar(unsigned percent) {
  constexpr unsigned kWidth = 20;
  const unsigned filled = std::min(percent, 100U) * kWidth / 100;
  std::string number = std::to_string(std::min(percent, 100U));
  number.insert(0, 3 - number.size(), ' ');
  return "[" + std::string(filled, '#') + std::string(kWidth - filled, '-') + "] " + number + " %";
}

std::string plan_text(const json::object& plan) {
  std::string out = "a migration from " + way_of(plan) + ", " +
                    (text_in(plan, "when") == "now" ? "now" : "as reclaim takes the cartridges") + "\n";
  out += "writes:   " + keys_of(plan) + "\n";
  add_settings(plan, out);
  add_work(plan, out);
  each_in(plan, "conflicts", [&](const json::object& conflict) {
    out += (flag_in(conflict, "refuses") ? "REFUSED:  " : "beware:   ") + text_in(conflict, "text") + " (" +
           text_in(conflict, "remedy") + ")\n";
  });
  return out;
}

Status plan_refusal(const json::object& plan) {
  Status refused;
  each_in(plan, "conflicts", [&](const json::object& conflict) {
    if (refused && flag_in(conflict, "refuses"))
      refused = fail(ErrorCode::kConflict, "it would be refused: " + text_in(conflict, "text"), "migration",
                     text_in(conflict, "remedy"));
  });
  return refused;
}

std::string progress_text(const json::object& progress) {
  std::string out = "migration " + std::to_string(number_in(progress, "number")) + " from " +
                    way_of(progress) + ": " + text_in(progress, "state") + "\n";
  out += progress_bar(static_cast<unsigned>(std::min<std::uint64_t>(100, number_in(progress, "percent")))) +
         "\n";
  out += "writes:   " + keys_of(progress) + "\n";
  out += "begun:    " + text_in(progress, "requested") + " by " + text_in(progress, "requested_by") + "\n";
  if (const auto ended = text_in(progress, "ended"); !ended.empty()) out += "ended:    " + ended + "\n";
  out += "done:     " +
         amount_of(number_in(progress, "cartridges_done"), number_in(progress, "volumes_done"),
                   number_in(progress, "bytes_done")) +
         "\n";
  out += "left:     " +
         amount_of(number_in(progress, "cartridges_left"), number_in(progress, "volumes_left"),
                   number_in(progress, "bytes_left")) +
         "\n";
  if (const auto rate = number_in(progress, "bytes_per_second"); rate > 0)
    out += "rate:     " + bytes_text(rate) + "/s\n";
  if (const auto end = text_in(progress, "estimated_end"); !end.empty())
    out += "ends:     about " + end + "\n";
  each_in(progress, "hindrances",
          [&](const json::object& hindrance) { out += "waits:    " + text_in(hindrance, "text") + "\n"; });
  return out;
}

}  // namespace tapewarden::cli
