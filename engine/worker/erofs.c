/* SPDX-License-Identifier: Apache-2.0 */
/* The fields are those of the kernel's fs/erofs/erofs_fs.h. All inodes are of the extended form, as the
 * compact one has no times and short numbers. A file's bytes are addressed as blocks of the extra device,
 * which is mapped behind the image. */
#include "erofs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "erofslayout.h"

enum {
	MAGIC = 0xe0f5e1e2,
	COMPAT = 1 | 2,   /* the superblock has a checksum; times are of modification */
	INCOMPAT = 8 | 4, /* a table of devices; files in pieces (which only sparse files need) */
	PLAIN = 0,        /* contents in blocks */
	BEHIND = 2,       /* contents behind the inode */
	CHUNKS = 4,       /* a table of contents there */
	CHUNK_TABLE = 32, /* of EROFS_CHUNK bytes each */
	BLOCK_BITS = 9,
	TAR_DEVICE = 1,
	EXTENDED = 1,
	NO_BLOCK = 0xffffffff,
	DEVICE_SLOT = 128,
};

static void put16(char *at, uint64_t v)
{
	at[0] = (char)v;
	at[1] = (char)(v >> 8);
}

static void put32(char *at, uint64_t v)
{
	put16(at, v);
	put16(at + 2, v >> 16);
}

static void put64(char *at, uint64_t v)
{
	put32(at, v);
	put32(at + 4, v >> 32);
}

/* CRC-32C as the kernel seeds it, without the last inversion. */
static uint32_t crc32c(const char *p, size_t n)
{
	uint32_t crc = ~0u;

	while (n--) {
		crc ^= (unsigned char)*p++;
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return crc;
}

static uint64_t number_of(const struct tree_inode *inode)
{
	return inode->place / EROFS_SLOT;
}

/* ---- an inode */

static uint32_t subdirectories(const struct tree_inode *dir)
{
	const struct tree_name *name;
	uint32_t n = 0;

	list_each (name, &dir->names, sibling)
		n += S_ISDIR(name->inode->mode);
	return n;
}

/* The kernel's form of a device number. */
static uint32_t device(const struct tree_inode *inode)
{
	return (inode->minor & 0xff) | inode->major << 8 | (inode->minor & ~0xffu) << 12;
}

static uint32_t place_of_contents(const struct tree_inode *inode, uint64_t image_blocks)
{
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		return device(inode);
	if (S_ISREG(inode->mode) && inode->size)
		return (uint32_t)(image_blocks + inode->offset / EROFS_BLOCK);
	return inode->contents ? (uint32_t)(inode->contents / EROFS_BLOCK) : NO_BLOCK;
}

static void write_xattrs(char *at, const struct tree_inode *inode)
{
	at += EROFS_XATTR_HEADER;
	for (const struct tree_xattr *x = inode->xattrs; x; x = x->next) {
		unsigned char index;
		const char *name = erofs_xattr_name(x->name, &index);
		size_t len = strnlen(name, UINT8_MAX);

		at[0] = (char)len;
		at[1] = (char)index;
		put16(at + 2, x->len);
		memcpy(at + EROFS_XATTR_ENTRY, name, len);
		memcpy(at + EROFS_XATTR_ENTRY + len, x->value, x->len);
		at += (EROFS_XATTR_ENTRY + len + x->len + 3) / 4 * 4;
	}
}

/* Where each chunk is in the tar. A chunk is all in one piece or all a hole. */
static void write_chunks(char *at, const struct tree_inode *inode, size_t n, unsigned int bits)
{
	const struct tar_piece *p = inode->pieces, *end = p + inode->n_pieces;

	for (uint64_t i = 0; i < n; i++, at += EROFS_CHUNK) {
		uint64_t from = i << bits;

		while (p < end && p->at + p->len <= from)
			p++;
		bool hole = p == end || from < p->at;

		put16(at + 2, hole ? 0 : TAR_DEVICE);
		put32(at + 4, hole ? NO_BLOCK : (p->offset + from - p->at) / EROFS_BLOCK);
	}
}

static void write_inode(char *at, const struct tree_inode *inode, uint64_t image_blocks,
			size_t serial)
{
	size_t xattrs = erofs_xattr_bytes(inode);
	bool dir = S_ISDIR(inode->mode), link = S_ISLNK(inode->mode);
	unsigned int bits;
	size_t chunks = erofs_chunk_bytes(inode, &bits);
	int layout = chunks ? CHUNKS : (dir || link) && !inode->contents ? BEHIND : PLAIN;

	put16(at, (uint64_t)(EXTENDED | layout << 1));
	put16(at + 2, xattrs ? 1 + (xattrs - EROFS_XATTR_HEADER) / 4 : 0);
	put16(at + 4, inode->mode);
	put64(at + 8, dir ? erofs_contents_size(inode) : inode->size);
	put32(at + 16,
	      chunks ? CHUNK_TABLE | (bits - BLOCK_BITS) : place_of_contents(inode, image_blocks));
	put32(at + 20, serial + 1);
	put32(at + 24, inode->uid);
	put32(at + 28, inode->gid);
	put64(at + 32, (uint64_t)inode->mtime);
	put32(at + 40, inode->mtime_nsec);
	put32(at + 44, dir ? 2 + subdirectories(inode) : inode->nlink);
	if (xattrs)
		write_xattrs(at + EROFS_INODE, inode);
	if (chunks)
		write_chunks(at + (EROFS_INODE + xattrs + EROFS_CHUNK - 1) / EROFS_CHUNK *
					     EROFS_CHUNK,
			     inode, chunks / EROFS_CHUNK, bits);
}

/* ---- contents */

static char type_of(const struct tree_inode *inode)
{
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		return 1;
	case S_IFDIR:
		return 2;
	case S_IFCHR:
		return 3;
	case S_IFBLK:
		return 4;
	case S_IFIFO:
		return 5;
	default:
		return 7; /* a symbolic link */
	}
}

static void write_block(char *at, const struct erofs_name *names, size_t n)
{
	size_t text = n * EROFS_DIRENT;

	for (size_t i = 0; i < n; i++) {
		char *entry = at + i * EROFS_DIRENT;

		put64(entry, number_of(names[i].inode));
		put16(entry + 8, text);
		entry[10] = type_of(names[i].inode);
		memcpy(at + text, names[i].text, names[i].len);
		text += names[i].len;
	}
}

static void write_dir(char *at, const struct tree_inode *dir)
{
	size_t n, used;

	for (size_t first = 0; first < erofs_dir_count(dir); first += n) {
		n = erofs_dir_block(dir, first, &used);
		write_block(at, dir->order + first, n);
		at += EROFS_BLOCK;
	}
}

static void write_contents(char *image, const struct tree_inode *inode)
{
	char *at =
		image + (inode->contents ? inode->contents
					 : inode->place + EROFS_INODE + erofs_xattr_bytes(inode));

	if (S_ISDIR(inode->mode))
		write_dir(at, inode);
	else if (S_ISLNK(inode->mode))
		memcpy(at, inode->target, inode->size);
}

/* ---- the image */

static void write_super(char *image, const struct erofs_layout *l, uint64_t tar_blocks,
			const char *tag)
{
	char *super = image + EROFS_SUPER_AT, *slot = image + EROFS_DEVICE_AT;
	uint64_t blocks = l->size / EROFS_BLOCK;

	put32(super, MAGIC);
	put32(super + 8, COMPAT);
	super[12] = BLOCK_BITS;
	put16(super + 14, number_of(l->inodes[0]));
	put64(super + 16, l->n);
	put32(super + 36, blocks);
	put32(super + 80, INCOMPAT);
	put16(super + 86, 1); /* extra devices */
	put16(super + 88, EROFS_DEVICE_AT / DEVICE_SLOT);
	memcpy(slot, tag, EROFS_TAG_LEN);
	put32(slot + 64, tar_blocks);
	put32(slot + 68, blocks);
	put32(super + 4, crc32c(super, EROFS_BLOCK));
}

static int check_size(const struct erofs_layout *l, uint64_t tar_blocks, struct err *err)
{
	if (l->size / EROFS_BLOCK + tar_blocks < NO_BLOCK)
		return 0;
	(void)err_set(err, ERR_INVALID, "the layer is longer than 2 TiB");
	return -EFBIG;
}

int erofs_write(struct tree *tree, uint64_t tar_size, const char *tag, struct buf *out,
		struct err *err)
{
	cleanup(erofs_layout_deinit) struct erofs_layout l = { 0 };
	uint64_t tar_blocks = (tar_size + EROFS_BLOCK - 1) / EROFS_BLOCK;
	int r = erofs_layout(&l, tree);

	if (r == 0)
		r = check_size(&l, tar_blocks, err);
	if (r == 0)
		r = buf_reserve(out, l.size);
	if (r < 0)
		return r == -ENOMEM ? err_sys(err, r, "index the layer") : r;
	memset(out->data, 0, l.size);
	out->len = l.size;
	for (size_t i = 0; i < l.n; i++) {
		write_inode(out->data + l.inodes[i]->place, l.inodes[i], l.size / EROFS_BLOCK, i);
		write_contents(out->data, l.inodes[i]);
	}
	write_super(out->data, &l, tar_blocks, tag);
	return 0;
}
