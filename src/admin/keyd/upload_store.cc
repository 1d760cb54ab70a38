#include "admin/keyd/upload_store.h"

#include "base/uuid.h"

namespace tapewarden::admin {

void UploadStore::drop_old(WallTime now) {
  std::erase_if(uploads_, [&](const auto& entry) { return now - entry.second.touched > kUploadPatience; });
}

Result<UploadStore::Upload*> UploadStore::find(const std::string& id, const std::string& person,
                                               WallTime now) {
  drop_old(now);
  const auto found = uploads_.find(id);
  if (found != uploads_.end() && found->second.person == person) {
    found->second.touched = now;
    return &found->second;
  }
  return fail(ErrorCode::kNotFound, "there is no such upload, or it was forgotten after ten minutes",
              "upload", "begin anew: POST /v1/uploads");
}

Result<std::string> UploadStore::begin(const std::string& person, std::uint64_t size, Random& random,
                                       WallTime now) {
  if (size == 0 || size > kUploadBytes) {
    return fail(ErrorCode::kInvalidArgument, "the size is out of bounds", "size",
                "an upload has 1 to " + std::to_string(kUploadBytes) + " bytes");
  }
  const MutexLock lock(mutex_);
  drop_old(now);
  if (uploads_.size() >= kUploads) {
    return fail(ErrorCode::kExhausted, "too many uploads are under way", "size",
                "wait until one of them ends; one that was left alone is forgotten after ten minutes");
  }
  std::string id = Uuid::random(random).text();
  uploads_[id] = {person, size, std::make_shared<Bytes>(), now};
  return id;
}

Result<std::uint64_t> UploadStore::add(const std::string& id, const std::string& person, std::uint64_t offset,
                                       ByteView part, WallTime now) {
  const MutexLock lock(mutex_);
  Upload& upload = *TRY(find(id, person, now));
  if (offset != upload.content->size() || part.size() > upload.size - offset) {
    return fail(ErrorCode::kConflict, "the part does not follow the one before it", "offset",
                "go on at " + std::to_string(upload.content->size()));
  }
  // Nobody reads it yet: file() gives whole ones only.
  upload.content->insert(upload.content->end(), part.begin(), part.end());
  return upload.content->size();
}

Result<std::shared_ptr<const Bytes>> UploadStore::file(const std::string& id, const std::string& person,
                                                       WallTime now) {
  const MutexLock lock(mutex_);
  const Upload& upload = *TRY(find(id, person, now));
  if (upload.content->size() == upload.size) return std::shared_ptr<const Bytes>(upload.content);
  return fail(ErrorCode::kConflict, "parts of the upload are missing", "upload",
              "go on at " + std::to_string(upload.content->size()));
}

void UploadStore::forget(const std::string& id, const std::string& person) {
  const MutexLock lock(mutex_);
  const auto found = uploads_.find(id);
  if (found != uploads_.end() && found->second.person == person) uploads_.erase(found);
}

}  // namespace tapewarden::admin
