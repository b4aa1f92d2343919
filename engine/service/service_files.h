/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of Containers that are about files, for its table. */
#pragma once

#include "cleat/v1/containers.rpc.h"
#include "err.h"
#include "server.h"

int service_diff(struct rpc_call *call, const Cleat__V1__DiffRequest *req,
		 Cleat__V1__DiffReply *reply, struct err *err);
int service_commit(struct rpc_call *call, const Cleat__V1__CommitRequest *req,
		   Cleat__V1__CommitReply *reply, struct err *err);
int service_stat_path(struct rpc_call *call, const Cleat__V1__StatPathRequest *req,
		      Cleat__V1__PathStat *reply, struct err *err);
int service_export(struct rpc_call *call, const Cleat__V1__ExportRequest *req,
		   struct cleat_v1_containers_export_stream *out, struct err *err);
int service_get_archive(struct rpc_call *call, const Cleat__V1__GetArchiveRequest *req,
			struct cleat_v1_containers_get_archive_stream *out, struct err *err);
int service_put_archive(struct rpc_call *call, struct cleat_v1_containers_put_archive_stream *in,
			Cleat__V1__PutArchiveReply *reply, struct err *err);
