// What an operator does with the cartridges behind the engine (feature rows T7, T10, T13): bring them in,
// give them to pools, have what lies on them moved, take them out. Functions are thread-safe as the parts
// that they work on.
//
// Whatever changes a cartridge's state holds it first (taking back a wish does not): while work with tape has
// it in a drive the order is refused by kConflict, and nothing begins with it until the order is done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/operator/parts.h"

namespace tapewarden::engine {

// Cartridges that stand in the back end, into a pool as scratch; ejected and exported ones that came back,
// with what lies on them: full when they were filled, else closed. A line for each. kInvalidArgument for the
// pool.
Result<std::vector<OrderLine>> insert_cartridges(const OperatorParts& parts,
                                                 const std::vector<std::string>& barcodes, std::uint8_t pool);
// Empty ones into another pool. kConflict naming one with active data, or of the wrong medium. All or none.
Status assign_cartridges(const OperatorParts& parts, const std::vector<std::string>& barcodes,
                         std::uint8_t pool);

// Which cartridges an order is for: those named, those of a range that are there, or all of a pool.
struct CartridgeChoice {
  std::vector<std::string> barcodes = {};
  bool range = false;  // those of `barcodes` that are not there do not matter
  std::optional<std::uint8_t> pool = {};
};
// What lies on them is to be moved to cartridges of `target_pool`: now, or when reclaim would take them. One
// that takes more volumes is closed when it is to be moved now. kNone takes the wish back, also while work
// with tape carries it out: it ends after the image that it is at. A line for each; kConflict naming
// "target_pool" for one whose pool encrypts when the target is written in clear, without leave.
Result<std::vector<OrderLine>> move_contents(const OperatorParts& parts, const CartridgeChoice& choice,
                                             MoveRequest::When when, std::uint8_t target_pool,
                                             ClearLeave leave = ClearLeave::kNo);

// Volumes whose content would be out of reach without the cartridge: neither in the cache, where their files
// are looked at, nor on another cartridge that can be read and that no drive noted as damaged and every
// rebuild could read. In tape order, at most kMaximumOrdered. kNotFound.
Result<std::vector<std::string>> only_there(const OperatorParts& parts, const std::string& barcode);

// Out of the library, with what lies on it; kExported: meant for another site. kConflict naming volumes whose
// only copy is on it, and what is wrong with files of the cache that should have them, unless
// `although_only`; whatever is said, naming one that would have to be written anew from a file of the cache
// that is not there; and for a scratch cartridge that is to be exported. Where it stands now. The state is
// durable before the cartridge moves; when it cannot be handed out, it is as it was.
Result<std::string> eject_cartridge(const OperatorParts& parts, const std::string& barcode, bool exported,
                                    bool although_only);
// An ejected or exported cartridge, or one that the catalogue does not have, out of the import/export slot of
// its virtual library: where its file lies. kConflict while the catalogue counts on it being there; errors of
// BackEnd::take_away().
Result<std::string> take_away_cartridge(const OperatorParts& parts, const std::string& barcode);
// Such a one into an import/export slot again; insert_cartridges() takes it into the catalogue. Its place.
Result<std::string> bring_back_cartridge(const OperatorParts& parts, const std::string& barcode);
// Takes no more volumes. kConflict unless it is being filled or filled.
Status close_cartridge(const OperatorParts& parts, const std::string& barcode);
// What becomes of the copies on a cartridge on which nobody relies any more.
struct DamageSettled {
  std::size_t from_cache = 0;  // written anew from there
  std::size_t from_other = 0;  // from the volume's other copy, which is brought into the cache first
  std::size_t only = 0;        // they stay as they are: there is nothing to write them from
};
// Nothing on it is relied on any more: its copies are written anew where the constructs of their volumes say,
// from the cache or from the volume's other copy, and each is forgotten by the commit of the new one, not
// before; until then its volume does not leave the cache. kConflict naming volumes whose only copy is on it,
// unless `although_only`.
Result<DamageSettled> mark_damaged(const OperatorParts& parts, const std::string& barcode,
                                   const std::string& note, bool although_only);
// It was looked at and is good: one that was damaged is read again, and takes no more; of one that a drive
// could not read or write the note is gone, so that it is scratch when it is emptied. kConflict for others.
Status clear_damage(const OperatorParts& parts, const std::string& barcode);
// To be overwritten before it is scratch. kConflict while it has active data.
Status request_erase(const OperatorParts& parts, const std::string& barcode);
// Off the catalogue. kConflict while it has active data, or is neither scratch, damaged nor out.
Status withdraw_cartridge(const OperatorParts& parts, const std::string& barcode);

}  // namespace tapewarden::engine
