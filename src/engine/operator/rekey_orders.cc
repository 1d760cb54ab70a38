#include "engine/operator/rekey_orders.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "engine/catalogue/label_text.h"
#include "engine/catalogue/limits.h"

namespace tapewarden::engine {
namespace {

using Labels = std::array<KeyLabel, 2>;

constexpr std::size_t kCartridgesOfAChange = 200;

bool same_label(std::string_view left, std::string_view right) {
  return to_upper(left) == to_upper(right);
}

bool same_labels(const Labels& left, const Labels& right) {
  return std::ranges::equal(left, right, [](const KeyLabel& a, const KeyLabel& b) {
    return same_label(a.text, b.text) && (a.text.empty() || a.mode == b.mode);
  });
}

bool takes_back(const RekeyOrder& order) {
  return order.labels[0].text.empty();
}

Status check_order(const RekeyOrder& order) {
  TRY(check_label(order.labels[0], "label 1"));
  TRY(check_label(order.labels[1], "label 2"));
  if (takes_back(order) && !order.labels[1].text.empty())
    return fail(ErrorCode::kInvalidArgument, "a second label comes without the first", "label 1");
  if (!takes_back(order) && same_label(order.labels[0].text, order.labels[1].text))
    return fail(ErrorCode::kInvalidArgument, "both labels are the same", "label 2",
                "name another one, or one alone");
  if (!order.pool && order.barcodes.empty())
    return fail(ErrorCode::kInvalidArgument, "neither a pool nor cartridges are named", "barcodes");
  if (order.barcodes.size() > kMaximumRekeysNamed)
    return fail(ErrorCode::kInvalidArgument,
                "more than " + std::to_string(kMaximumRekeysNamed) + " cartridges are named", "barcodes",
                "name fewer at a time, or their pool");
  for (const auto& barcode : order.barcodes) TRY(check_barcode(barcode, "barcodes"));
  return {};
}

// What an operator should know of them, or that nobody could be asked.
Result<std::vector<std::string>> check_names(KeyNameCheck& names, const RekeyOrder& order) {
  std::vector<std::string> wanted;
  for (const auto& label : order.labels)
    if (!label.text.empty()) wanted.push_back(label.text);
  auto known = names.check_labels(wanted);
  if (known) return known;
  if (known.error().code != ErrorCode::kUnavailable || !order.unchecked)
    return std::unexpected(known.error());
  return std::vector<std::string>{"No key server could be asked whether it knows the labels: " +
                                  known.error().message};
}

bool holds_something(CartridgeState state) {
  return state != CartridgeState::kScratch && state != CartridgeState::kAwaitingErase;
}

bool is_out(const PhysicalVolume& cartridge) {
  return cartridge.state == CartridgeState::kEjected || cartridge.state == CartridgeState::kExported;
}

RekeyLine refused(const PhysicalVolume& cartridge, std::string why, std::string field) {
  auto error = fail(ErrorCode::kConflict, std::move(why), std::move(field)).error();
  return {cartridge.barcode, error.message, std::move(error)};
}

Result<RekeyLine> ask_for(CatalogueChange& change, PhysicalVolume cartridge, const RekeyOrder& order) {
  if (cartridge.encryption != MediumEncryption::kWrapped || !holds_something(cartridge.state))
    return refused(cartridge, "it holds nothing under a key that is wrapped for labels", "encryption");
  const bool has_them = same_labels(cartridge.labels, order.labels);
  if (!takes_back(order) && has_them && !order.again && !cartridge.rekey.wanted())
    return RekeyLine{cartridge.barcode, "it has these labels"};
  if (cartridge.state == CartridgeState::kDamaged && !takes_back(order))
    return refused(cartridge, "it is damaged: have its content moved to another cartridge", "state");
  const bool nothing_to_do = takes_back(order) || (has_them && !order.again);
  cartridge.rekey.labels = nothing_to_do ? Labels{} : order.labels;
  TRY(change.put(cartridge));
  if (takes_back(order)) return RekeyLine{cartridge.barcode, "keeps the labels that it has"};
  if (nothing_to_do)
    return RekeyLine{cartridge.barcode, "it has these labels; what was asked for is taken back"};
  return RekeyLine{cartridge.barcode,
                   is_out(cartridge) ? "asked for: done when it is back in the library" : "asked for"};
}

Result<RekeyLine> ask_for(CatalogueChange& change, const std::string& barcode, const RekeyOrder& order) {
  const auto known = TRY(change.find_cartridge(barcode));
  if (known && (!order.pool || known->pool == *order.pool)) return ask_for(change, *known, order);
  const bool there = known.has_value();
  auto error =
      fail(ErrorCode::kNotFound,
           there ? "it is in pool " + std::to_string(known->pool) : "there is no such physical volume",
           there ? "pool" : "barcodes")
          .error();
  return RekeyLine{barcode, error.message, std::move(error)};
}

Result<std::vector<RekeyLine>> ask_named(Catalogue& catalogue, const RekeyOrder& order) {
  std::vector<RekeyLine> lines;
  for (std::size_t first = 0; first < order.barcodes.size(); first += kCartridgesOfAChange) {
    const auto end = std::min(order.barcodes.size(), first + kCartridgesOfAChange);
    std::vector<RekeyLine> some;
    TRY(catalogue.change([&](CatalogueChange& change) -> Status {
      some.clear();
      for (auto i = first; i < end; ++i) some.push_back(TRY(ask_for(change, order.barcodes[i], order)));
      return {};
    }));
    std::ranges::move(some, std::back_inserter(lines));
  }
  return lines;
}

// Some at a time: work with tape goes on in between.
Result<std::vector<RekeyLine>> ask_pool(Catalogue& catalogue, const RekeyOrder& order) {
  std::vector<RekeyLine> lines;
  const CartridgeFilter of_pool{.pool = order.pool, .encryption = MediumEncryption::kWrapped};
  std::optional<std::string> next = "";
  while (next) {
    std::vector<RekeyLine> some;
    std::optional<std::string> behind;
    TRY(catalogue.change([&](CatalogueChange& change) -> Status {
      some.clear();
      auto page = TRY(change.cartridges(of_pool, {.limit = kCartridgesOfAChange, .after = *next}));
      behind.reset();
      if (!page.next.empty()) behind = page.next;
      for (auto& cartridge : page.items)
        if (holds_something(cartridge.state)) some.push_back(TRY(ask_for(change, cartridge, order)));
      return {};
    }));
    std::ranges::move(some, std::back_inserter(lines));
    next = behind;
  }
  return lines;
}

// What a pool's next cartridges are written with, when that is something else.
Result<std::vector<std::string>> note_pool(Catalogue& catalogue, const RekeyOrder& order) {
  std::vector<std::string> notes;
  if (!order.pool || takes_back(order)) return notes;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    notes.clear();
    const auto pool = TRY(view.pool(*order.pool));
    if (pool.encryption == PoolEncryption::kWrapped && !same_labels(pool.labels, order.labels))
      notes.push_back("Cartridges that pool " + std::to_string(pool.number) +
                      " begins from now on get the labels of its settings: " + text_of(pool.labels) + ".");
    return {};
  }));
  return notes;
}

void count(KekRetirement& out, const PhysicalVolume& cartridge) {
  const auto& labels = cartridge.labels;
  if (labels[0].text.empty() && labels[1].text.empty()) {
    if (out.unknown++ == 0) out.first_unknown = cartridge.barcode;
    return;
  }
  const auto is_it = [&](const KeyLabel& label) { return same_label(label.text, out.label); };
  const auto other = [&](const KeyLabel& label) { return !label.text.empty() && !is_it(label); };
  if (std::ranges::none_of(labels, is_it)) return;
  const auto place = [&](const KekUse& use) {
    return use.pool == cartridge.pool && use.state == cartridge.state;
  };
  auto use = std::ranges::find_if(out.uses, place);
  if (use == out.uses.end()) use = out.uses.insert(use, {.pool = cartridge.pool, .state = cartridge.state});
  if (std::ranges::any_of(labels, other)) {
    ++use->one_of_two;
    return;
  }
  ++out.only_way;
  if (use->only_way++ == 0) use->first = cartridge.barcode;
  use->last = cartridge.barcode;
  if (std::ranges::any_of(cartridge.rekey.labels, other)) ++use->asked;
}

}  // namespace

Result<RekeyOrdered> request_rekey(Catalogue& catalogue, KeyNameCheck& names, const RekeyOrder& order) {
  TRY(check_order(order));
  RekeyOrdered out;
  if (!takes_back(order)) out.notes = TRY(check_names(names, order));
  std::ranges::move(TRY(note_pool(catalogue, order)), std::back_inserter(out.notes));
  out.lines = order.barcodes.empty() ? TRY(ask_pool(catalogue, order)) : TRY(ask_named(catalogue, order));
  if (!takes_back(order)) out.notes.emplace_back(kRekeyRevokesNothing);
  return out;
}

namespace {

// Texts of open refusals, by barcode.
std::map<std::string, std::string> refusals(const Notices& notices) {
  std::map<std::string, std::string> out;
  for (auto& notice : notices.open())
    if (notice.kind == NoticeKind::kRekeyRefused) out[notice.subject] = std::move(notice.text);
  return out;
}

}  // namespace

Result<RekeyProgress> rekey_progress(Catalogue& catalogue, const Notices& notices, std::uint8_t pool) {
  const auto refused = refusals(notices);
  RekeyProgress out;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    out = {};
    PageRequest page{.limit = kMaximumPage, .after = ""};
    do {
      const auto found = TRY(view.cartridges({.pool = pool, .rekey = true}, page));
      for (const auto& cartridge : found.items) {
        ++out.asked;
        if (!readable(cartridge.state)) ++out.waiting;
        if (refused.contains(cartridge.barcode)) ++out.refused;
      }
      page.after = found.next;
    } while (!page.after.empty());
    return {};
  }));
  return out;
}

Result<Page<RekeyStanding>> rekeys_standing(Catalogue& catalogue, const Notices& notices, std::uint8_t pool,
                                            const PageRequest& page) {
  const auto refused = refusals(notices);
  Page<PhysicalVolume> found;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    found = TRY(view.cartridges({.pool = pool, .rekey = true}, page));
    return {};
  }));
  Page<RekeyStanding> out{.items = {}, .next = found.next};
  for (auto& cartridge : found.items) {
    const auto why = refused.find(cartridge.barcode);
    std::string problem = why == refused.end() ? "" : why->second;
    if (!readable(cartridge.state)) problem = "it is " + std::string(to_string(cartridge.state));
    out.items.push_back({std::move(cartridge), std::move(problem)});
  }
  return out;
}

std::string KekRetirement::verdict() const {
  const auto of = [](std::uint64_t number) {
    return std::to_string(number) + (number == 1 ? " cartridge" : " cartridges");
  };
  std::string out;
  if (only_way > 0) out = of(only_way) + " can be read by the KEK " + label + " alone. ";
  if (unknown > 0)
    out += "Of " + of(unknown) + ", " + first_unknown +
           " the first, the catalogue does not know the labels: " + "the key server chose them. ";
  if (!needed()) out = "No cartridge of this engine needs the KEK " + label + ". ";
  if (!pools.empty()) out += "The settings of a pool still name it for cartridges to come. ";
  return out + "The key server's ledger (tapewarden kek cartridges) has the word on all others.";
}

Result<KekRetirement> kek_retirement(Catalogue& catalogue, const std::string& label) {
  if (label.empty()) return fail(ErrorCode::kInvalidArgument, "no label is named", "label");
  TRY(check_label({label, LabelMode::kClear}, "label"));
  KekRetirement out;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    out = {};
    out.label = label;
    PageRequest page{.limit = kMaximumPage, .after = ""};
    do {
      const auto found = TRY(view.cartridges({.encryption = MediumEncryption::kWrapped}, page));
      for (const auto& cartridge : found.items)
        if (holds_something(cartridge.state)) count(out, cartridge);
      page.after = found.next;
    } while (!page.after.empty());
    for (const auto& pool : TRY(view.pools())) {
      const bool names_it =
          std::ranges::any_of(pool.labels, [&](const KeyLabel& set) { return same_label(set.text, label); });
      if (pool.encryption == PoolEncryption::kWrapped && names_it) out.pools.push_back(pool.number);
    }
    return {};
  }));
  std::ranges::sort(out.uses, {}, [](const KekUse& use) { return std::pair(use.pool, use.state); });
  return out;
}

}  // namespace tapewarden::engine
