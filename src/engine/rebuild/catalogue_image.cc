#include "engine/rebuild/catalogue_image.h"

#include "engine/catalogue/limits.h"
#include "engine/rebuild/record_fields.h"
#include "engine/rebuild/record_file.h"

namespace tapewarden::engine {
namespace {

constexpr std::string_view kMagic = "TWCATBAK";
enum HeaderTag : std::uint16_t { kEngine = 1, kMade = 2 };

template <typename Value>
Status append(RecordFileWriter& out, CatalogueRecord kind, const Value& value) {
  return out.append(static_cast<std::uint16_t>(kind), encode_record(value));
}

// Every item of a list that comes in pages.
template <typename Ask, typename Each>
Status each_page(const Ask& ask, const Each& each) {
  PageRequest request{.limit = kMaximumPage};
  do {
    auto page = TRY(ask(request));
    for (const auto& item : page.items) TRY(each(item));
    request.after = std::move(page.next);
  } while (!request.after.empty());
  return {};
}

Status write_settings(CatalogueView& view, RecordFileWriter& out) {
  for (const auto& pool : TRY(view.pools())) TRY(append(out, CatalogueRecord::kPool, pool));
  for (const auto& group : TRY(view.storage_groups()))
    TRY(append(out, CatalogueRecord::kStorageGroup, group));
  for (const auto& management : TRY(view.management_classes()))
    TRY(append(out, CatalogueRecord::kManagementClass, management));
  const auto least = TRY(view.engine_state()).least_generation;
  if (least == 0) return {};
  return out.append(static_cast<std::uint16_t>(CatalogueRecord::kLeastGeneration),
                    encode_least_generation(least));
}

Status write_deleted(CatalogueView& view, RecordFileWriter& out) {
  std::uint64_t after = 0;
  while (true) {
    const auto deleted = TRY(view.deleted_volumes_after(after, kMaximumPage));
    if (deleted.empty()) return {};
    for (const auto& one : deleted) TRY(append(out, CatalogueRecord::kDeleted, one));
    after = deleted.back().number;
  }
}

Status write_rows(CatalogueView& view, RecordFileWriter& out, BackupCounts& counts) {
  TRY(each_page([&](const PageRequest& page) { return view.cartridges({}, page); },
                [&](const PhysicalVolume& cartridge) {
                  ++counts.cartridges;
                  return append(out, CatalogueRecord::kCartridge, cartridge);
                }));
  TRY(each_page(
      [&](const PageRequest& page) { return view.withdrawn_volumes(page); },
      [&](const WithdrawnVolume& withdrawn) { return append(out, CatalogueRecord::kWithdrawn, withdrawn); }));
  TRY(write_deleted(view, out));
  return each_page([&](const PageRequest& page) { return view.volumes({}, page); },
                   [&](const LogicalVolume& volume) {
                     ++counts.volumes;
                     return append(out, CatalogueRecord::kVolume, volume);
                   });
}

Result<BackupCounts> write_image(Catalogue& catalogue, const BackupHeader& header, Disk& disk,
                                 const std::string& path) {
  FieldWriter fields;
  fields.uuid(kEngine, header.engine).time(kMade, header.made);
  auto out = TRY(RecordFileWriter::create(disk, path, kMagic, fields.take()));
  BackupCounts counts;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    TRY(write_settings(view, out));
    return write_rows(view, out, counts);
  }));
  TRY(out.finish());
  counts.bytes = out.bytes();
  return counts;
}

Result<BackupHeader> header_of(const RecordFileReader& file) {
  auto in = TRY(FieldReader::parse(file.header_fields()));
  BackupHeader header;
  header.engine = TRY(in.uuid(kEngine, "engine"));
  header.made = TRY(in.time(kMade, "time"));
  TRY(in.finish());
  return header;
}

template <typename Value>
Status tell(const std::function<Status(Value)>& reader, Result<Value> value) {
  if (!value) return std::unexpected(std::move(value.error()));
  return reader ? reader(*std::move(value)) : Status();
}

}  // namespace

Result<BackupCounts> write_catalogue_image(Catalogue& catalogue, const BackupHeader& header, Disk& disk,
                                           const std::string& path) {
  auto counts = write_image(catalogue, header, disk, path);
  if (!counts && disk.exists(path)) (void)disk.remove(path);
  return counts;
}

Status tell_record(std::uint16_t kind, ByteView body, const BackupReaders& readers) {
  switch (static_cast<CatalogueRecord>(kind)) {
    case CatalogueRecord::kPool:
      return tell(readers.pool, decode_pool(body));
    case CatalogueRecord::kStorageGroup:
      return tell(readers.storage_group, decode_storage_group(body));
    case CatalogueRecord::kManagementClass:
      return tell(readers.management_class, decode_management_class(body));
    case CatalogueRecord::kCartridge:
      return tell(readers.cartridge, decode_cartridge(body));
    case CatalogueRecord::kWithdrawn:
      return tell(readers.withdrawn, decode_withdrawn(body));
    case CatalogueRecord::kDeleted:
      return tell(readers.deleted, decode_deleted(body));
    case CatalogueRecord::kVolume:
      return tell(readers.volume, decode_volume(body));
    case CatalogueRecord::kLeastGeneration:
      return tell(readers.least_generation, decode_least_generation(body));
  }
  if (kind < kRecordMustBeKnown) return {};
  return fail(ErrorCode::kUnsupported, "the backup of the catalogue has records that a newer program wrote",
              "record", "use a newer program");
}

Result<BackupHeader> read_catalogue_image(Disk& disk, const std::string& path, const BackupReaders& readers) {
  auto file = TRY(RecordFileReader::open(disk, path, kMagic));
  const auto header = TRY(header_of(file));
  while (const auto record = TRY(file.next())) TRY(tell_record(record->kind, record->body, readers));
  return header;
}

Result<BackupHeader> read_backup_header(Disk& disk, const std::string& path) {
  return header_of(TRY(RecordFileReader::open(disk, path, kMagic)));
}

}  // namespace tapewarden::engine
